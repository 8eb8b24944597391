"""Cross-validation: kinds of splits, and the splits of a study."""
