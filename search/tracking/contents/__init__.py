"""What runs hold, as inert data."""
