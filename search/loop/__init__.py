"""The study loop: ask, evaluate, tell, record."""
