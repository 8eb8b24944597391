"""Studies whose trials clients train: ask and tell."""
