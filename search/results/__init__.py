"""Results of a study: reports, plots and advice."""
