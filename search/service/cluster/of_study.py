"""The workers of a study: its batches, its members of the cluster, and what its trials need, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

from search.samplers.external import find
from search.service import object_store
from search.service.cluster import batches
from search.service.cluster.batches import ClusterWorkers
from search.service.cluster.footprint import Footprint
from search.service.cluster.members import Members, Needs
from search.service.data_copies import Copies
from search.service.place import Place
from search.study.study_file import Study


@contextmanager
def workers_of(
    client: Client,
    root: Path,
    study: Study,
    text: str,
    data: str,
    priority: int = 0,
    url: str = "",
    tell: Callable[[str], None] = lambda told: None,
) -> Iterator[ClusterWorkers]:
    """Give the workers of a cluster that a study can use during the body.

    Parameters
    ----------
    client : Client
        Of Dask.
    root : Path
        The project.
    study : Study
    text, data : str
        Its file, and the address of the copy of its data; empty if its source is no file.
    priority : int
        Batches of a higher priority run first.
    url : str
        Of an object store or a folder from which workers fetch the data; empty if it is sent to them.
    tell : callable
        Called with a sentence about each worker that cannot be used.
    """
    copies = Copies(root / Place().data)
    told = batches.Study(str(root.absolute()), study.name, text, data, copies.id if data else "")
    copy = copies.find(data)
    if url and copy is not None:
        object_store.put(url, copy)
    members = Members(client, Needs(told.root, told.place, copy, url), tell)
    try:
        learns = find(study.search.method).learns
        yield ClusterWorkers(client, told, members, study.search.n_trials, priority, learns, Footprint(study))
    finally:
        members.leave()
