"""One network: its parameters, forward and backward pass, epochs, and the watch for divergence."""
