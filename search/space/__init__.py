"""The search space, and the user's own points in it."""
