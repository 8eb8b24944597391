"""Lazy import of MLflow, because it takes seconds, and control of its log output."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
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
    """Keep MLflow's progress messages off the terminal, and its client in a workspace."""
    load()  # first, because the import sets MLflow's log level
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    wanted = SILENT | workspaces.added()
    said = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in said.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
