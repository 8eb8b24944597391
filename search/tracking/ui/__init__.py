"""MLflow's UI for one person: a server on the loopback interface, and the gate before it."""
