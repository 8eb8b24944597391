"""Workers on hosts that are far away: what delay and loss between them and the coordinator cost.

    python -m benchmarks.scale.far [--repeats 1] [--markdown FILE]

Two processes with four threads each are behind a link (`benchmarks/scale/links.py`); scheduler, coordinator and store are in
front of it. Trials sleep, as in `benchmarks.scale`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dask
from distributed import Client, Worker

from benchmarks.common import Table, main, say
from benchmarks.scale import asleep
from benchmarks.scale.links import Link
from benchmarks.scale.processes import free_ports, running, serve
from search.service.cluster.access import SETTINGS, Access

LINKS = (Link(0), Link(0.001), Link(0.01), Link(0.05), Link(0.01, 0.01))
"""Hosts of a rack are 0.1 ms apart, those of a city 1 ms, of a continent 10 to 25 ms, of two continents 50 ms and more."""
TRIALS = (0.04, 0.3)
PROCESSES, THREADS, STUDY_SECONDS = 2, 4, 10


def _work(written: str, through: str, port: int, contact: str, told: Any) -> None:
    dask.config.set(SETTINGS)
    logging.getLogger("distributed").setLevel(logging.ERROR)
    access = Access.read(json.loads(written))

    async def run() -> None:
        async with Worker(
            through,
            nthreads=THREADS,
            security=access.security,
            host="127.0.0.1",
            port=port,
            contact_address=contact,
            dashboard=False,
        ):
            await asyncio.to_thread(told.recv)

    asyncio.run(run())


def _carry(link: Link, ways: dict[int, int], told: Any) -> None:
    async def run() -> None:
        servers = await link.serve(ways)
        told.send("ready")
        await asyncio.to_thread(told.recv)
        for server in servers:
            server.close()

    asyncio.run(run())


@contextmanager
def cluster(link: Link) -> Iterator[Client]:
    """Start a scheduler, and workers behind a link, during the body."""
    with ExitStack() as stack:
        written = stack.enter_context(running(serve, 0, 1)).pipe.recv()
        access = Access.read(json.loads(written))
        entrance, *ports = free_ports(1 + 2 * PROCESSES)
        own, contacts = ports[:PROCESSES], ports[PROCESSES:]
        ways = {entrance: int(access.address.rsplit(":", 1)[1]), **dict(zip(contacts, own, strict=True))}
        stack.enter_context(running(_carry, link, ways)).pipe.recv()
        client = stack.enter_context(Client(access.address, security=access.security, set_as_default=False))
        for port, contact in zip(own, contacts, strict=True):
            through, back = (f"tls://127.0.0.1:{each}" for each in (entrance, contact))
            stack.enter_context(running(_work, written, through, port, back))
        client.wait_for_workers(PROCESSES, timeout=60)
        yield client


def measure(repeats: int) -> Table:
    """Measure studies whose workers are behind links."""
    rows, workers = [], PROCESSES * THREADS
    for link in LINKS:
        with cluster(link) as client:
            asleep.search(client, 20 * workers, "random", 0.04)
            for seconds in TRIALS:
                n_trials = int(STUDY_SECONDS * workers / seconds)
                rates = sorted(n_trials / asleep.search(client, n_trials, "random", seconds)[0] for _ in range(repeats))
                rate = rates[len(rates) // 2]
                rows.append(
                    [
                        f"{2000 * link.delay:g}",
                        f"{link.loss:.0%}",
                        f"{1000 * seconds:.0f}",
                        f"{rate:,.1f}",
                        f"{rate * seconds / workers:.0%}",
                    ]
                )
                say(*rows[-1])
    head = ["there and back, ms", "lost", "a trial, ms", "trials per second", "busy workers"]
    return Table(head, rows, f"{workers} workers, in {PROCESSES} processes behind the link.")


if __name__ == "__main__":
    main("scale.far", measure, repeats=1)
