"""The workers of one machine for a cluster elsewhere: Dask's own, with all set as trials need it.

Each is a process with one thread, whose BLAS has one thread, too. Machine code is compiled before they start, once; copies of
data are in one folder, once for the machine. A process that dies is started anew.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import dask
from dask.utils import parse_bytes
from distributed import Nanny

from bpmodel.preload import preload
from search.errors import StudyError
from search.service.cluster.access import SETTINGS, Access
from search.service.cluster.standing import FOLDER

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

QUIET = {"distributed.logging": {"distributed": "critical"}}
"""A scheduler that goes is told in a line; Dask would write a page for each worker."""

LEAST_MEMORY = 600 * 10**6
"""Bytes that a process takes before it has any data, and some more: with less it would be killed at once, and started again."""

LOOK_SECONDS = 0.5

AGAIN_SECONDS = 2.0
"""After which workers whose scheduler is gone try to join again."""


class Workers:
    """Workers of this machine.

    Parameters
    ----------
    access : Access
        To the scheduler.
    n_workers : int
        Processes.
    memory : str or float
        Bytes that each may take, as Dask has them: "4GB", or "auto" for its share of the machine.
    folder : Path
        Where copies of data are kept.
    tell : callable
        Called with what happens, a line.
    """

    def __init__(
        self, access: Access, n_workers: int, memory: str | float, folder: Path, tell: Callable[[str], None]
    ) -> None:
        self._tell, self._told = tell, ""
        self._access, self._n_workers, self._memory, self._folder = access, n_workers, memory, folder
        self._failed: list[BaseException] = []
        self._stop: Callable[[], Any] = lambda: None

    def run(self) -> None:
        """Work until this thread is interrupted; a scheduler that goes is waited for."""
        for dtype in ("float32", "float64"):
            preload(dtype)
        thread = threading.Thread(target=self._work, name="workers", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(LOOK_SECONDS)
        finally:
            self._stop()
            thread.join()
        if self._failed:
            raise self._failed[0]

    def _work(self) -> None:
        try:
            asyncio.run(self._until_told())
        except BaseException as error:  # told by the thread that waits
            self._failed.append(error)

    async def _until_told(self) -> None:
        told, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: None if loop.is_closed() else loop.call_soon_threadsafe(told.set)
        dask.config.set({**SETTINGS, **QUIET})
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        while not told.is_set():
            await self._work_once(told)
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), AGAIN_SECONDS)

    async def _work_once(self, told: asyncio.Event) -> None:
        """Work until the scheduler is gone, or has ended the workers, or this process is told to stop."""
        nannies = [self._nanny(number) for number in range(self._n_workers)]
        async with AsyncExitStack() as stack:
            started = asyncio.gather(*(stack.enter_async_context(nanny) for nanny in nannies))
            await _first(told.wait(), started)
            if not started.done() or told.is_set():
                return
            if error := started.exception():
                self._tell_once(f"error: the workers did not start: {_reason(error)}; it is tried again")
                return
            noun = "process" if self._n_workers == 1 else "processes"
            self._told = ""
            self._tell(f"working:  {self._n_workers} {noun} for {self._access.address}  (Ctrl-C stops them)")
            await _first(told.wait(), asyncio.gather(*(nanny.finished() for nanny in nannies)))
            if not told.is_set():
                self._tell("the scheduler is gone; it is tried again")

    def _tell_once(self, told: str) -> None:
        """Tell what is not the same as the last time."""
        if told != self._told:
            self._tell(told)
        self._told = told

    def _nanny(self, number: int) -> Nanny:
        return Nanny(
            self._access.address,
            nthreads=1,
            name=f"{platform.node()}-{threading.get_native_id()}-{number}",
            memory_limit=self._memory,
            local_directory=str(self._folder),
            security=self._access.security,
            env={**THREADS, FOLDER: str(self._folder)},
            silence_logs=logging.CRITICAL,
        )


def memory_of(given: str) -> str | int:
    """Return a limit of memory as Dask has it.

    Raises
    ------
    StudyError
        If it is none.

    Examples
    --------
    >>> memory_of("4GB"), memory_of("auto")
    (4000000000, 'auto')
    """
    if given == "auto":
        return given
    try:
        found = int(parse_bytes(given))
    except ValueError:
        found = 0
    if found < LEAST_MEMORY:
        least = LEAST_MEMORY // 10**6
        raise StudyError(
            f"--memory {given}: allowed are sizes from {least}MB on, as 4GB, and auto; less does not hold a process"
        )
    return found


def _reason(error: BaseException) -> str:
    """Return what Dask's errors are about: the cause that they wrap."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, asyncio.CancelledError | TimeoutError):
        return "nobody answers there"
    if isinstance(error, ssl.SSLError):
        return f"the certificates are not of the scheduler's set ({error.reason or error})"
    if isinstance(error, ConnectionResetError):
        return "the scheduler hangs up: it wants tls://, or does not speak it"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


async def _first(*waits: Awaitable[Any]) -> None:
    """Wait until one of several has ended; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
