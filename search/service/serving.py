"""The service as a process: workers, the supervisor, and what serves HTTP, until it is told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from search.errors import StudyError
from search.files import locking, trouble
from search.service.external.asking import Asking
from search.service.place import Place
from search.service.queue import Queue

if TYPE_CHECKING:
    from search.service.cluster.access import Access

MISSING = "this needs the package distributed; install it with: pip install 'bpsearch[service]'"


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Keep other services away from a folder during the body.

    Raises
    ------
    StudyError
        If one runs.
    """
    try:
        lock = locking.Lock(place.made().lock)
    except BlockingIOError:
        where = f" at {place.address.read_text().strip()}" if place.address.exists() else ""
        raise StudyError(f"a service runs in this folder already{where}") from None
    except OSError as error:
        raise StudyError(trouble.told(error, place.lock)) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def needing_dask() -> Iterator[None]:
    """Say how to get Dask if the imports of the body lack it.

    Raises
    ------
    StudyError
        If the package distributed is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in ("distributed", "dask"):
            raise
        raise StudyError(MISSING) from None


@contextmanager
def running(queue: Queue, asking: Asking, access: Access, at_once: int) -> Iterator[Callable[[], bool]]:
    """Run the studies of a queue during the body; in the end they are stopped, to be gone on with by the next service.

    The body gets a function that says whether they still run: after an error that nobody expected they do not, and it is raised
    when the body ends.
    """
    from search.service.supervisor import Supervisor

    supervisor, ended = Supervisor(queue, access, at_once, asking), threading.Event()
    failed: list[BaseException] = []
    thread = threading.Thread(target=_watched, args=(supervisor.run, ended, failed), name="supervisor")
    thread.start()
    try:
        yield thread.is_alive
    finally:
        ended.set()
        thread.join()
        if failed:
            raise failed[0]


def _watched(run: Callable[[threading.Event], None], ended: threading.Event, failed: list[BaseException]) -> None:
    try:
        run(ended)
    except BaseException as error:  # told by the thread that waits
        failed.append(error)
