"""MLflow's autologging, put aside while a search runs.

With `mlflow.autolog()`, MLflow logs every fit of scikit-learn's estimators that it does not know to be part of another.
To it, each baseline, fold and refit of a search is one of the user's own: a run and a model each, a thousand times
slower than the fits. Inside scikit-learn's searches MLflow puts its logging aside by itself; this does it for ours.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

AUTOLOGGING = "mlflow.utils.autologging_utils"
"""MLflow's module of `disable_autologging`, loaded with MLflow. It is not looked for unless MLflow is loaded."""

_lock = threading.Lock()
_held = ExitStack()
_searches = 0


@contextmanager
def autologging_aside() -> Iterator[None]:
    """Switch MLflow's autologging off for the body, in all threads; afterwards it is as the user has set it.

    Nothing happens, and nothing is imported, if MLflow is not loaded or no autologging is on. Searches in several
    threads share one switch: the last one to end puts it back.

    Examples
    --------
    >>> with autologging_aside():
    ...     pass  # fits that leave no runs
    """
    global _searches, _held
    with _lock:
        if not _searches:
            _held = ExitStack()
            _switch_off(_held)
        _searches += 1
    try:
        yield
    finally:
        with _lock:
            _searches -= 1
            if not _searches:
                _held.close()


def _switch_off(held: ExitStack) -> None:
    utils = sys.modules.get(AUTOLOGGING)
    if utils is None:
        return
    on = _integrations_on(utils)
    if on and hasattr(utils, "disable_autologging"):
        held.enter_context(utils.disable_autologging())
        return
    for flavor, settings in on.items():  # an MLflow without that function: switch each integration off, and on again
        autolog = getattr(sys.modules.get(f"mlflow.{flavor}"), "autolog", None)
        if autolog is not None:
            autolog(disable=True)
            parameters = inspect.signature(autolog).parameters
            held.callback(autolog, **{name: value for name, value in settings.items() if name in parameters})


def _integrations_on(utils: Any) -> dict[str, dict[str, Any]]:
    """Return the settings of the integrations that log, such as ``{"sklearn": {"log_models": True, …}}``."""
    known = getattr(utils, "AUTOLOGGING_INTEGRATIONS", {})
    return {name: dict(settings) for name, settings in known.items() if not settings.get("disable", True)}
