"""The search space, and the user's own points of it."""
