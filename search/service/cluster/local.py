"""Workers of this machine: a process each, with keys that are made anew for each service.

Every user of a machine reaches its ports, so connections on loopback are encrypted, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import LocalCluster
from distributed.security import Security

from search.service.cluster.access import SETTINGS, Access


@contextmanager
def started(n_workers: int, threads: int = 1) -> Iterator[tuple[LocalCluster, Access]]:
    """Start workers, processes with some threads each, until the body ends."""
    dask.config.set(SETTINGS)
    security = Security.temporary()
    with LocalCluster(
        n_workers=n_workers,
        threads_per_worker=threads,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # a port with nothing behind it: None would be a fixed one
        worker_dashboard_address=None,
        scheduler_kwargs={
            "dashboard": False
        },  # with bokeh installed, every user of the machine would see all that runs
        security=security,
        silence_logs="ERROR",
    ) as made:
        yield made, Access.of(made.scheduler_address, security)
