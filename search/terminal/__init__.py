"""What a command writes, to a terminal or into a pipe."""
