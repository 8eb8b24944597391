"""What the columns of a table are, what is odd about them, and what a study file should say about it."""
