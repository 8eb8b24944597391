"""The verbs of the service and its queue."""
