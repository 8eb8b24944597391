"""TOML that others may have written."""
