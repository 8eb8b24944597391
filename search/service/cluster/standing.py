"""What a worker is: its versions, its memory, and where it keeps copies of data. Workers run these functions."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from distributed import get_worker

from bpsearch import __version__
from search.files import writing
from search.service import object_store
from search.service.data_copies import PIECE, Copies
from search.service.place import Place

COMPARED = ("numpy", "scipy", "scikit-learn", "numba", "pandas")
"""Other packages on whose versions results depend."""

FOLDER = "BPSEARCH_WORKER_FOLDER"
"""Variable with the folder in which the workers of a machine keep copies of data; without it, each has its own."""


class Standing(NamedTuple):
    """What a worker says of itself.

    Attributes
    ----------
    versions : dict of str to str
    folder : str
        What identifies the folder in which it keeps copies of data: workers with the same one share them.
    has : bool
        Whether it reaches the copy that it was asked for.
    taken : float
        Bytes that its process takes.
    """

    versions: Mapping[str, str]
    folder: str
    has: bool
    taken: float


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of what results depend on."""
    return {
        "Python": platform.python_version(),
        "bpsearch": __version__,
        **{name: metadata.version(name) for name in COMPARED},
    }


def differing(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """Return what differs between the versions of the service and those of a worker, as a message has it.

    Examples
    --------
    >>> differing({"numpy": "2.4.6", "Python": "3.11.7"}, {"numpy": "2.3.0", "Python": "3.11.7"})
    'numpy 2.3.0 (the service has 2.4.6)'
    """
    others = [name for name, version in wanted.items() if found.get(name) != version]
    return ", ".join(f"{name} {found.get(name, 'missing')} (the service has {wanted[name]})" for name in others)


def standing(root: str, place: str, data: str, url: str = "") -> Standing:
    """Return what this worker is, for a study whose data is a copy in a project, and perhaps in an object store.

    A worker that lacks the data fetches it from there.
    """
    has = place_of(root, place, data) is not None
    if url and not has:
        object_store.fetch(url, data, Copies(own().data))
        has = place_of(root, place, data) is not None
    return Standing(versions(), Copies(own().data).id, has, float(psutil.Process().memory_info().rss))


def own(worker: Any = None) -> Place:
    """Return the place in which a worker, by default the one whose task this is, keeps copies of data."""
    return Place(Path(os.environ.get(FOLDER) or (worker or get_worker()).local_directory)).made()


def place_of(root: str, place: str, data: str) -> Place | None:
    """Return the place with a copy of data: that of the project if this worker sees it, or else its own; None if none has it."""
    project = Place(Path(root) / Place().folder)
    if not data or (place and Copies(project.data).id_if_there == place):
        return project
    here = own()
    found = Copies(here.data).find(data)
    return here if found is not None and found.is_sound else None


def append(token: str, key: str, dask_worker: Any) -> None:
    """Append a piece, which is in this worker's memory under a key, to a copy that arrives."""
    with open(writing.opened_to_append(_arriving(token, dask_worker)), "wb") as file:
        file.write(dask_worker.data[key])


def keep(token: str, name: str, data: str, dask_worker: Any) -> None:
    """Keep a copy that has arrived.

    Raises
    ------
    ValueError
        If it is another one than that with this address.
    """
    path = _arriving(token, dask_worker)
    try:
        with open(writing.opened_to_read(path), "rb") as file:
            found = Copies(own(dask_worker).data).add(name, iter(lambda: file.read(PIECE), b""))
    finally:
        path.unlink(missing_ok=True)
    if found.address != data:
        raise ValueError(f"what has arrived is {found.address}, not {data}")


def _arriving(token: str, worker: Any) -> Path:
    return own(worker).data / f".{token}"
