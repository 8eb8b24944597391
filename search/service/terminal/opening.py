"""The service of the current folder, as the commands find it."""

from __future__ import annotations

from contextlib import closing

from search.errors import StudyError
from search.files import locking
from search.service.desk import Desk
from search.service.place import Place
from search.service.queue import Queue
from search.service.states import ENDED
from search.tracking import stores

NOBODY = "no service runs in this folder; to run what is queued: bpsearch serve"


def desk(place: Place | None = None, *, make: bool = False) -> Desk:
    """Return the desk of the current folder's service, whether it runs or not.

    Parameters
    ----------
    place : Place, optional
    make : bool
        Whether a queue is made if there is none.

    Raises
    ------
    StudyError
        If there is no queue.
    """
    place = place or Place()
    if not make and not place.exists:
        raise StudyError(f"there is no queue in {place.folder}; bpsearch submit begins one")
    return Desk(Queue(place), stores.answering_uri)


def has(name: str, place: Place | None = None) -> bool:
    """Return whether the queue has a study of a name; without a queue nothing is made."""
    place = place or Place()
    if not place.exists:
        return False
    with closing(Queue(place)) as queue:
        return queue.find(name) is not None


def check_ended(name: str, place: Place | None = None) -> None:
    """Raise StudyError if the queue has a study that has not ended; without a queue nothing is made."""
    place = place or Place()
    if place.exists:
        with closing(Queue(place)) as queue:
            row = queue.find(name)
        if row is not None and row.state not in ENDED:
            raise StudyError(f"study {name!r} is {row.state} in the queue; end it first: bpsearch cancel {name}")


def forget(name: str, place: Place | None = None) -> None:
    """Take a study that has ended out of the queue, if it is there, with its file and its log."""
    place = place or Place()
    if place.exists:
        with closing(Queue(place)) as queue:
            queue.remove(name)
        for path in (place.study(name), place.log(name)):
            path.unlink(missing_ok=True)


def runs(place: Place | None = None) -> bool:
    """Return whether a service runs in the current folder."""
    return locking.held((place or Place()).lock)
