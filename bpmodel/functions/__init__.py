"""Tables of pure functions, one kind a file: activations, losses, update rules, schedules and the like."""
