import django.db.models.manager
from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Concat


def name_subjects(apps, schema_editor):
    """Until now every operation was about a gateway."""
    apps.get_model('deployments', 'Operation').objects.update(subject=Concat(Value('gateway/'), F('gateway_name')))


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0003_updates'),
        ('gateways', '0001_initial'),
    ]

    operations = [
        migrations.RenameField(
            model_name='operation',
            old_name='gateway_key',
            new_name='key',
        ),
        migrations.AddField(
            model_name='operation',
            name='subject',
            field=models.CharField(default='', max_length=330),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='operation',
            name='gateway_name',
            field=models.CharField(blank=True, max_length=330),
        ),
        migrations.AlterField(
            model_name='operation',
            name='kind',
            field=models.CharField(choices=[('deploy', 'Deploy'), ('configure', 'Configure'), ('remove', 'Remove'), ('update', 'Update'), ('rollback', 'Rollback'), ('restore', 'Restore'), ('retire', 'Retire'), ('build', 'Build')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='operation',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ('build',)), ('state__in', ('queued', 'running', 'undoing'))), fields=('subject',), name='one_build_of_a_name', violation_error_message='another build of this image is not finished'),
        ),
        migrations.CreateModel(
            name='Build',
            fields=[
            ],
            options={
                'ordering': ['-pk'],
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('deployments.operation',),
            managers=[
                ('objects', django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunPython(name_subjects, migrations.RunPython.noop, elidable=True),
    ]
