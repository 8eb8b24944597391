"""What a fit is given, checked: rows, weights, a network to continue, and the settings of its loop."""
