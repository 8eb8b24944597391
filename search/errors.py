"""The one exception for what a user can mend."""


class StudyError(ValueError):
    """A mistake in a study file, in data or in the surroundings, told in one line: where, key, value, what is allowed."""
