"""The one exception for mistakes of the user."""


class StudyError(ValueError):
    """A mistake in a study file, in its data or in the environment, in one line: where, key, value, what is allowed."""
