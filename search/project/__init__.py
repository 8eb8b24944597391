"""What is set for all studies of a folder."""
