"""Other processes: how they are started, and which modules they may load."""
