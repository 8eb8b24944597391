"""The queue on the command line: what its verbs share, and how it is shown."""
