"""What a study found: reports, plots and advice."""
