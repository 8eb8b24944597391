"""The rows of each fold as networks see them: kept for all trials, or prepared anew for each turn of a fold."""
