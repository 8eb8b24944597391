"""A study: its file, its data, and the problem assembled from both."""
