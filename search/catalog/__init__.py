"""The studies of a folder: their journals, and what the MLflow store has of them."""
