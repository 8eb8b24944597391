"""Diagnosis of a fit: what went wrong, why, and how to repair it."""
