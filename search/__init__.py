"""Hyperparameter search for back-propagation networks."""

from search.errors import StudyError
from search.search_cv import BPSearchCV

__all__ = ["BPSearchCV", "StudyError"]
