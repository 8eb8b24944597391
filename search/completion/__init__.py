"""Completion in shells: what can be typed after `bpsearch`, and a script of it for each shell."""
