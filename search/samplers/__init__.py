"""Samplers: the methods that propose configurations."""
