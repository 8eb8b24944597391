"""Hyperparameter search for back-propagation networks."""

TYPE_CHECKING = False  # few imports: until the command handles signals, Ctrl-C ends in a traceback
if TYPE_CHECKING:
    from typing import Any

    from search import plots
    from search.errors import StudyError
    from search.export.loading import load_model
    from search.search_cv import BPSearchCV
    from search.service.client import Client
    from search.service.connection import ServiceError

__all__ = ["BPSearchCV", "Client", "ServiceError", "StudyError", "load_model", "plots"]

_LATER = {
    "BPSearchCV": "search.search_cv",
    "Client": "search.service.client",
    "ServiceError": "search.service.connection",
    "StudyError": "search.errors",
    "load_model": "search.export.loading",
    "plots": "search.plots",
}
"""Names that are loaded lazily: the command line shows its help without them."""


def __getattr__(name: str) -> "Any":
    """Load a public name on first access."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(_LATER[name])
    globals()[name] = value = module if module.__name__ == f"search.{name}" else getattr(module, name)
    return value


def __dir__() -> list[str]:
    return __all__
