"""The measurements in `docs/exploding_gradients.md`, one module for each table; `make article` repeats them."""
