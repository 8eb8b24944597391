"""Files of a store on this machine: those on their way into it, and those that moved with their project."""
