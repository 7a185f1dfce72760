"""A backup as a folder of files with a manifest, and as one packed file: plain Python, no Django, no rows.

`manifest` says what a backup is, `store` keeps backups on disk, `packing` makes one file of one and reads such files
from strangers, `vault` seals secrets inside, `retention` decides which may go.
"""
