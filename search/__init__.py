"""Hyperparameter search for back-propagation networks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from search.errors import StudyError

if TYPE_CHECKING:
    from search.export.loading import load_model
    from search.search_cv import BPSearchCV

__all__ = ["BPSearchCV", "StudyError", "load_model"]

_LATER = {"BPSearchCV": "search.search_cv", "load_model": "search.export.loading"}
"""Names that are loaded lazily: the command line shows its help without them."""


def __getattr__(name: str) -> Any:
    """Load a public name on first access."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
