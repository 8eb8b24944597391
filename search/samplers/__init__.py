"""Methods that propose configurations."""
