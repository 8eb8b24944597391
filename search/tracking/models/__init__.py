"""The model of a study: how it is stored, registered, found and served."""
