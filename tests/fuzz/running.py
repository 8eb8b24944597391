"""Attempts in child processes, which are killed and replaced where one does not end."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.targets import targets
from tests.fuzz.worker import ASK

ROOT = Path(__file__).parents[2]
SECONDS = 20.0
"""Time of work after which an attempt hangs."""
PATIENCE = 6
"""An attempt that waits, rather than works, hangs after so many times as long."""
MEMORY = 6 << 30
"""Bytes of data that a child may have."""
ANSWER = 0.5
"""Time in which a child says where it hangs."""
START = 300.0
"""Time for a child's imports; the first one may compile."""
ATTEMPTS_OF_A_CHILD = 500
"""After so many, a child is replaced, so that what one attempt leaves in memory does not add up."""


class Fault(NamedTuple):
    """What one attempt found."""

    number: int
    text: str


class LostError(Exception):
    """A child gave no answer; the text says why."""


class Child:
    """A process of `tests.fuzz.worker`."""

    def __init__(self, name: str, seed: int, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True)
        self.seconds, self.made = seconds, 0
        arguments = [name, str(seed), self.folder.name, str(memory)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
            start_new_session=True,  # what it starts is killed with it
        )
        try:
            self._answer(START)
        except LostError as error:
            reason = f"{name}: a child cannot start: {error}; {self._log()}"
            self.close()
            raise RuntimeError(reason) from None

    def attempt(self, number: int) -> str | None:
        """Return which fault an attempt found.

        Raises
        ------
        LostError
            If the child died, or hung and was killed.
        """
        assert self.process.stdin is not None
        self.made += 1
        try:
            self.process.stdin.write(f"{number}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise LostError("the process had ended before") from None
        return self._answer(self.seconds)["fault"]

    def _answer(self, seconds: float) -> dict:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            begun, used = time.monotonic(), self._used()
            while not selector.select(seconds / 10):
                waited = time.monotonic() - begun
                # a busy machine is no fault of the attempt
                if waited >= seconds * PATIENCE or (waited >= seconds and self._used() - used >= seconds):
                    raise LostError(f"no end within {seconds:g} s{self._frames()}")
        if line := self.process.stdout.readline():
            return json.loads(line)
        code = self.process.wait(seconds)
        raise LostError(f"killed by signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}")

    def _used(self) -> float:
        """Return the seconds that the process has worked; time of the clock where the system does not say."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _log(self) -> str:
        """Return the end of what the child printed, as one line."""
        log = Path(self.folder.name, "log")
        text = log.read_bytes() if log.exists() else b""
        return " ".join(text[-500:].decode(errors="replace").split())

    def _frames(self) -> str:
        """Return where the main thread is, innermost first, as `faulthandler` writes it when it is asked."""
        self.process.send_signal(ASK)
        with contextlib.suppress(subprocess.TimeoutExpired):  # it may end by this, too
            self.process.wait(ANSWER)
        text = Path(self.folder.name, "log").read_bytes().decode(errors="replace")
        main = text.rpartition("(most recent call first):")[2]
        places = re.findall(r'File "([^"]+)", line (\d+)', main)[:3]
        return ", in " + " < ".join(f"{Path(file).name}:{line}" for file, line in places) if places else ""

    def close(self) -> None:
        """Kill the process and whatever it started; remove its folder."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.folder.cleanup()


def run(
    name: str,
    seed: int,
    numbers: range,
    jobs: int = 1,
    seconds: float | None = None,
    memory: int = MEMORY,
    tell: Callable[[int, Fault | None], None] = lambda done, fault: None,
) -> list[Fault]:
    """Make the attempts with these numbers; `tell` is called after each, with how many are done and the fault, if any.

    By default, an attempt has the SECONDS of its target, if it says any, otherwise those of this module.
    """
    limit = getattr(targets().get(name), "SECONDS", SECONDS) if seconds is None else seconds
    left = iter(numbers)  # shared by the threads: each number is taken once
    done = itertools.count(1)
    with ThreadPoolExecutor(jobs) as threads:

        def work(_: int) -> list[Fault]:
            found, child = [], None
            try:
                for number in left:
                    if child is None:
                        child = Child(name, seed, limit, memory)
                    try:
                        text = child.attempt(number)
                    except LostError as error:
                        text = str(error)
                        child.made = ATTEMPTS_OF_A_CHILD
                    fault = None if text is None else Fault(number, text)
                    found += [fault] if fault else []
                    tell(next(done), fault)
                    if child.made >= ATTEMPTS_OF_A_CHILD:
                        child.close()
                        child = None
                return found
            finally:
                if child is not None:
                    child.close()

        return sorted(fault for found in threads.map(work, range(jobs)) for fault in found)
