"""How numeric code is compiled, and where machine code is kept."""
