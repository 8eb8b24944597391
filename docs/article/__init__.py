"""The measurements in `docs/exploding_gradients.md`, a module for each table: `make article` makes them anew."""
