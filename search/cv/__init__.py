"""Cross-validation: the kinds of splits, and the folds of a study."""
