"""Tables from files and databases, as spreadsheets, sensors and databases write them."""
