"""What went wrong in a fit, why, and how to repair it."""
