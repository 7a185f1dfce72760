from django.db import migrations

from egx_project.access.roles import Role


def make_groups(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for role in Role:
        groups.get_or_create(name=str(role))


class Migration(migrations.Migration):
    """So that an admin can pick a role for a user before anybody has it."""

    dependencies = [
        ("access", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunPython(make_groups, migrations.RunPython.noop, elidable=False),
    ]
