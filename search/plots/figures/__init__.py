"""Figures, a file each; every function takes what `subject` does, and returns a Matplotlib figure."""
