"""Processes of a cluster that is measured, each of which runs until its parent says that it is enough."""

from __future__ import annotations

import json
import multiprocessing
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from search.service.cluster import local

LAST_SECONDS = 10.0
"""Seconds in which a process must have ended once it is told."""


class Child(NamedTuple):
    """A process, and the pipe to it."""

    pid: int
    pipe: Connection


@contextmanager
def running(target: Callable[..., None], *arguments: Any) -> Iterator[Child]:
    """Run a function in a process during the body; its last argument is its pipe, which ends it with the next message."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(*arguments, there))
    process.start()
    assert process.pid is not None
    try:
        yield Child(process.pid, here)
    finally:
        here.send(None)
        process.join(LAST_SECONDS)
        process.kill()


def serve(n_processes: int, threads: int, told: Connection) -> None:
    """Run a scheduler and workers, and tell how they are reached."""
    with local.started(n_processes, threads) as (_, access):
        told.send(json.dumps(access.written()))
        told.recv()


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
