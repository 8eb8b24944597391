"""The service of the current folder, as the commands find it."""

from __future__ import annotations

from search.errors import StudyError
from search.files import locking
from search.service.desk import Desk
from search.service.place import Place
from search.service.queue import Queue
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


def runs(place: Place | None = None) -> bool:
    """Return whether a service runs in the current folder."""
    return locking.held((place or Place()).lock)
