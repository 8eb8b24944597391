"""What a fit is given, checked: the weights of its rows, and a network to continue."""
