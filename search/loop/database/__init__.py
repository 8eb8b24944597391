"""Journals in a PostgreSQL database: each is a study of Optuna's tables, written by whoever holds its lease."""
