"""All public names of `bpmodel` and `search` in one place, and the `bpsearch` command.

A name is loaded when it is first asked for: ``from bpsearch import BPRegressor`` loads neither Optuna nor MLflow.

>>> from bpsearch import BPRegressor
>>> BPRegressor(max_iter=50).max_iter
50
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpmodel import *  # noqa: F403
    from search import *  # noqa: F403

__version__ = "0.1.0"
__all__ = [  # noqa: F405, RUF022 - the search first, then the networks
    "BPSearchCV",
    "StudyError",
    "ActivationDisplay",
    "BPClassifier",
    "BPEnsembleClassifier",
    "BPEnsembleRegressor",
    "BPRegressor",
    "Diagnosis",
    "DivergenceError",
    "DivergenceWarning",
    "Finding",
    "GradientFlowDisplay",
    "HealthDisplay",
    "Repair",
    "StabilityMapDisplay",
    "Verdict",
    "diagnose",
    "preflight",
    "rate_limit",
    "register_activation",
    "register_loss",
    "register_optimizer",
    "register_schedule",
    "sharpness",
    "step_size_number",
]

_SEARCH = {"BPSearchCV", "StudyError"}
_HOME = Path(__file__).parent


def __getattr__(name: str) -> Any:
    """Load a public name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    package = "search" if name in _SEARCH else "bpmodel"
    _refuse_another(package)
    globals()[name] = value = getattr(import_module(package), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def main() -> int:
    """Run the `bpsearch` command; return its exit code."""
    sys.path.insert(0, str(_HOME))  # a `search.py` in the current directory is not the one that is meant
    import_module("search")
    sys.path.remove(str(_HOME))
    return int(import_module("search.cli").main())


def _refuse_another(package: str) -> None:
    """Raise an error, before it is run, if another module of that name comes first on the path.

    Raises
    ------
    ImportError
    """
    spec = find_spec(package)
    if spec and spec.origin and Path(spec.origin).parent != _HOME / package:
        raise ImportError(
            f"{spec.origin} hides the package {package!r} of bpsearch, which is in {_HOME}; rename that file or folder"
        )


if __name__ == "__main__":
    sys.exit(main())
