"""A model and a table of new rows: predictions, and what there is to say of the values."""
