"""The way of a table to workers that see no folder of the project: in pieces, to all that lack it, each kept under its hash.

Workers write the pieces beside the trials that they run, whatever these take.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

from distributed import Client

from search.files import writing
from search.service.cluster import standing
from search.service.data_copies import Copy

PIECE = 16 << 20
"""Bytes that travel at a time: what of a table is in the memory of scheduler and workers."""

PATIENCE = 60.0
"""Seconds that a piece may be on its way."""


def send(client: Client, copy: Copy, addresses: list[str]) -> dict[str, str]:
    """Send a copy to workers; return for each why it does not have it, empty if it has.

    Raises
    ------
    OSError
        If the copy cannot be read, or the scheduler is gone.
    """
    token = uuid.uuid4().hex
    problems = dict.fromkeys(addresses, "")

    def call(function: Callable[..., None], *given: str) -> None:
        answers = client.run(function, token, *given, workers=left(), on_error="return")
        problems.update({address: str(found) for address, found in answers.items() if found is not None})

    def left() -> list[str]:
        there = client.scheduler_info(n_workers=-1)["workers"]
        problems.update({address: "it is gone" for address in addresses if address not in there})
        return [address for address, problem in problems.items() if not problem]

    for piece in _pieces(copy):
        if not left():
            return problems
        there = client.scatter(piece, workers=left(), broadcast=True, hash=False, timeout=PATIENCE)
        call(standing.append, there.key)
        there.release()
    call(standing.keep, copy.path.name, copy.address)
    return problems


def _pieces(copy: Copy) -> Iterator[bytes]:
    with open(writing.opened_to_read(copy.path), "rb") as file:
        yield from iter(lambda: file.read(PIECE), b"")
