"""What an unknown name may have meant: near misses, and the names of other tools."""
