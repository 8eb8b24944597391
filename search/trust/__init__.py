"""What a stored model may hold: types that are harmless whatever a file says of them, and a way to load nothing else."""
