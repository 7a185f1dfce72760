"""The whole instance in a backup, and back. Plain Python: files and databases, no rows of Django's."""
