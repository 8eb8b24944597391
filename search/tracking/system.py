"""What the machine does while a study runs, if the study asks for it: processors, memory, disk and network, by MLflow."""

from __future__ import annotations

import logging
import threading
from importlib.util import find_spec
from typing import Any

from search.errors import StudyError
from search.tracking import library

PACKAGE = "psutil"

SAMPLE_SECONDS = 5
"""Seconds between two points; MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL says otherwise."""

ENDING_SECONDS = 5.0
"""Seconds in which the last points are written; they are lost if the store does not answer."""


def check() -> None:
    """Raise `StudyError` if nothing can be measured."""
    if find_spec(PACKAGE) is None:
        raise StudyError(
            f"[tracking] system_metrics = true needs the package {PACKAGE}; install it, or leave the key out"
        )


class Watch:
    """Points of a run, measured in a thread of MLflow's own until `end`."""

    def __init__(self, uri: str, run_id: str) -> None:
        library.load()
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._logger = logging.getLogger("mlflow.system_metrics")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)  # it says when it begins and ends
        self._monitor: Any = SystemMetricsMonitor(
            run_id, sampling_interval=SAMPLE_SECONDS, resume_logging=True, tracking_uri=uri
        )
        self._monitor.start()

    def end(self) -> None:
        """Write the last points; a store that does not answer is not waited for."""
        ending = threading.Thread(target=self._monitor.finish, name="mlflow-system-metrics", daemon=True)
        ending.start()
        ending.join(ENDING_SECONDS)
        self._logger.setLevel(self._level)
