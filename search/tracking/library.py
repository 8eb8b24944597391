"""Lazy import of MLflow, because it takes seconds, and control of its log output."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cache
from typing import Any

from search.tracking import workspaces

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}

SILENT = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
"""What keeps MLflow from printing by itself: links to runs, which would hold a server's password, and bars of its own."""


LEVELS = {"mlflow": logging.ERROR, "alembic": logging.ERROR, "mlflow.store.db.utils": logging.CRITICAL}
"""The least that MLflow's loggers tell. What it logs of a database it raises, too; of one that is gone it logs pages."""


class Shared:
    """A change of the process that the bodies of several threads share: the first one makes it, the last one puts it back."""

    def __init__(self, change: Callable[[], AbstractContextManager[None]]) -> None:
        self._change, self._lock, self._put_back = change, threading.Lock(), ExitStack()
        self.bodies = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the change up during the body."""
        with self._lock:
            if not self.bodies:
                self._put_back.enter_context(self._change())
            self.bodies += 1
        try:
            yield
        finally:
            with self._lock:
                self.bodies -= 1
                if not self.bodies:
                    self._put_back.close()


@cache
def load() -> Any:
    """Import MLflow."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.sklearn
    return mlflow


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow's progress messages off the terminal, and its client in a workspace.

    >>> with quiet():
    ...     logging.getLogger("mlflow").level == logging.ERROR
    True
    """
    load()  # first, because the import sets MLflow's log level
    in_workspace = workspaces.added() or IN_WORKSPACE.bodies
    with SILENCE.held(), IN_WORKSPACE.held() if in_workspace else nullcontext():
        yield


@contextmanager
def _levels() -> Iterator[None]:
    loggers = {logging.getLogger(name): level for name, level in LEVELS.items()}
    before = {logger: logger.level for logger in loggers}
    for logger, level in loggers.items():
        logger.setLevel(level)
    yield
    for logger, level in before.items():
        logger.setLevel(level)


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    said = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    yield
    for name, value in said.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@contextmanager
def _silence() -> Iterator[None]:
    with _levels(), _environment(SILENT):
        yield


SILENCE = Shared(_silence)
IN_WORKSPACE = Shared(lambda: _environment(workspaces.added()))
"""For bodies that need it only: a thread that waits for a server may stay in the other one for long."""
