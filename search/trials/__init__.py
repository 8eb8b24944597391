"""One trial: a configuration, trained and scored on all folds."""
