"""The revisions of the service's database, a file each."""
