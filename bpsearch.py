"""All public names of `bpmodel` and `search` in one place, and the `bpsearch` command.

A name is loaded when it is first asked for: ``from bpsearch import BPRegressor`` loads neither Optuna nor MLflow.

>>> from bpsearch import BPRegressor
>>> BPRegressor(max_iter=50).max_iter
50
"""

import sys  # others are imported where they are needed: until `main` handles signals, Ctrl-C ends in a traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from bpmodel import *  # noqa: F403
    from search import *  # noqa: F403

__version__ = "0.1.0"
__all__ = [  # noqa: F405, RUF022 - the search first, then the networks
    "BPSearchCV",
    "Client",
    "ServiceError",
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
    "load_model",
    "plots",
    "preflight",
    "rate_limit",
    "register_activation",
    "register_loss",
    "register_optimizer",
    "register_schedule",
    "sharpness",
    "step_size_number",
]

_SEARCH = {"BPSearchCV", "Client", "ServiceError", "StudyError", "load_model", "plots"}


def __getattr__(name: str) -> "Any":
    """Load a public name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    package = "search" if name in _SEARCH else "bpmodel"
    globals()[name] = value = getattr(_own(package), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def main() -> int:
    """Run the `bpsearch` command; return its exit code. From here on, signals that end the process are handled."""
    try:
        _own("search")
        from search.signals.entry import run
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    return run()


def _own(package: str) -> "ModuleType":
    """Import a package of this product, also where a file of the same name comes first on the path, such as a user's `search.py`.

    Raises
    ------
    ImportError
        If that other module is loaded already.
    """
    from importlib import import_module
    from os.path import abspath, dirname, join

    home = dirname(abspath(__file__))
    sys.path.insert(0, home)
    try:
        module = import_module(package)
    finally:
        sys.path.remove(home)
    if dirname(abspath(module.__file__ or "")) != join(home, package):
        raise ImportError(
            f"{module.__file__} is loaded under the name of the package {package!r} of bpsearch, which is in {home}; "
            "import bpsearch first, or rename that file or folder"
        )
    return module


if __name__ == "__main__":
    sys.exit(main())
