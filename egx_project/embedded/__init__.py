"""`egx up`: everything in one process, with no other service."""
