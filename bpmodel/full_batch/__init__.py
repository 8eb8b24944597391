"""Solvers that see all rows in every iteration."""
