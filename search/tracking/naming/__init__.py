"""What a study may be called, and how things of a name are asked for."""
