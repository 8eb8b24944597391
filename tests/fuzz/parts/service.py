"""A real service as a process of its own, and its coordinators and workers, to be stopped and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from search.errors import StudyError
from search.files import locking
from search.service.place import Place
from search.service.queue import Queue
from search.service.states import ENDED

PATIENCE = 120.0
"""Seconds within which anything must have happened."""

QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "OMP_NUM_THREADS": "1"}


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product in a folder."""
    command = [sys.executable, "-P", "-m", "search", *arguments]
    return subprocess.run(
        command, cwd=home, env={**os.environ, **QUIET, **environment}, capture_output=True, text=True, timeout=PATIENCE
    )


class Service:
    """A service of a folder.

    Parameters
    ----------
    home : Path
    arguments : str
        Further ones of `bpsearch serve`.
    """

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        self.home, self.said = home, home / "serve.log"
        with self.said.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "search", "serve", *arguments],
                cwd=home,
                env={**os.environ, **QUIET, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._seen: dict[int, psutil.Process] = {}

    def coordinators(self) -> list[psutil.Process]:
        """The processes that run studies."""
        return [each for each in self._family() if _is(each, "search.service.coordinator")]

    def workers(self) -> list[psutil.Process]:
        """The processes that train."""
        return [each for each in self._family() if _is(each, "spawn_main")]

    def serves(self) -> bool:
        """Whether it holds the lock of its folder: from then on it ends in order."""
        return locking.held(Place(self.home / "studies" / "service").lock)

    def stop(self) -> int:
        """Tell it to end; return its exit code."""
        self._family()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill it alone; its children are to end by themselves."""
        self._family()
        self.process.kill()
        self.process.wait(PATIENCE)

    def is_gone(self) -> bool:
        """Whether the service and all of its children have ended."""
        return self.process.poll() is not None and not any(_lives(each) for each in self._seen.values())

    def end(self) -> None:
        """Kill all that is left of it."""
        self._family()
        for each in self._seen.values():
            with suppress(psutil.Error):
                each.kill()
        self.process.kill()
        self.process.wait(PATIENCE)

    def _family(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            self._seen |= {each.pid: each for each in psutil.Process(self.process.pid).children(recursive=True)}
        return [each for each in self._seen.values() if _lives(each)]


@contextmanager
def service(home: Path, *arguments: str, **environment: str) -> Iterator[Service]:
    """Start a service during the body, and leave nothing of it."""
    made = Service(home, *arguments, **environment)
    try:
        yield made
    finally:
        made.end()


@contextmanager
def queue(home: Path) -> Iterator[Queue]:
    """Open the queue of a folder."""
    opened = Queue(Place(home / "studies" / "service"))
    try:
        yield opened
    finally:
        opened.close()


def state(home: Path, name: str) -> str:
    """Return the state of a study."""
    with queue(home) as opened:
        return opened.get(name).state


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait until something holds; return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds:.0f} s")


def has_ended(home: Path, name: str) -> bool:
    """Whether a study of the queue has ended."""
    with suppress(StudyError):
        return state(home, name) in ENDED
    return False


def _is(process: psutil.Process, part: str) -> bool:
    with suppress(psutil.Error):
        return any(part in each for each in process.cmdline())
    return False


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
