"""Tables written as text: how they are encoded, which cells are separated by what, where the table begins and ends."""
