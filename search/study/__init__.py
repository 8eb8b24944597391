"""A study: its file, its data, and both put together."""
