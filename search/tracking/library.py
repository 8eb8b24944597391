"""Lazy import of MLflow, because it takes seconds, and control of its log output."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}

NO_LINKS = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"


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
    """Keep MLflow's progress messages off the terminal; the links to runs that it prints would hold a server's password."""
    load()  # first, because the import sets MLflow's log level
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    link = os.environ.get(NO_LINKS)
    os.environ[NO_LINKS] = "true"
    try:
        yield
    finally:
        if link is None:
            os.environ.pop(NO_LINKS, None)
        else:
            os.environ[NO_LINKS] = link
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
