"""The web server of a service: where it listens, for whom, and with which keys."""
