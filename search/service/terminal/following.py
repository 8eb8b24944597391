"""A study of the queue, followed until it has ended: its state, and what its coordinators say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from search.service.desk import Desk
from search.service.states import ENDED, PAUSED

PAUSE = 0.5
"""Seconds between two looks."""


def states(desk: Desk, name: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[dict[str, Any]]:
    """Return the documents of a study whenever they change, until it has ended or is paused.

    Raises
    ------
    NoStudyError
        If there is none.
    """
    before = None
    while True:
        found = desk.status(name)
        if found != before:
            yield found
        if found["state"] in {*ENDED, PAUSED}:
            return
        before = found
        sleep(PAUSE)


def log(desk: Desk, name: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """Return the lines that a study's coordinators say from now on, and those that they have said, until it has ended.

    Raises
    ------
    NoStudyError
        If there is none.
    """
    place, rest = 0, b""
    while True:
        ended = desk.status(name)["state"] in {*ENDED, PAUSED}
        said, place = desk.log(name, place)
        *whole, rest = (rest + said).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
        if ended:
            if rest:
                yield rest.decode(errors="replace")
            return
        sleep(PAUSE)
