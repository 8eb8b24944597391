"""The report on a study as one HTML page, which needs nothing beside it."""
