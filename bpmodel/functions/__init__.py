"""Tables of pure functions, one kind per file: activations, losses, update rules, learning-rate schedules and others."""
