"""The single exception for user mistakes."""


class StudyError(ValueError):
    """A user mistake in a study file, its data or the environment, in one line: where, key, value, what is allowed."""
