"""Server-sent events: the state of a study, or of all, whenever it changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from fastapi import APIRouter
from starlette.responses import StreamingResponse

from search.errors import NoStudyError
from search.service.api.problems import Problem, written
from search.service.api.scopes import Caller, Calling, needs
from search.service.api.service import Name, Service, answers
from search.service.states import ENDED
from search.service.tokens import READ
from search.tracking.ui.gate import Receive, Scope, Send

LOOK_SECONDS = 0.5
"""Seconds between two looks at the queue."""

QUIET_SECONDS = 15.0
"""Seconds after which a comment is sent, so that nobody on the way takes the connection for dead."""

STREAM = "text/event-stream"

AGAIN_SECONDS = 10.0


class Streams:
    """How many streams each token follows.

    Parameters
    ----------
    most, most_of_all : int
        How many one token, and all, may follow at a time.
    """

    def __init__(self, most: int, most_of_all: int) -> None:
        self._most, self._most_of_all, self._open = most, most_of_all, Counter[str]()

    @contextmanager
    def counted(self, name: str) -> Iterator[None]:
        """Count a stream while the body runs; errors are those of `check`."""
        self.check(name)
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1

    def check(self, name: str) -> None:
        """Check that a token may follow one more.

        Raises
        ------
        Problem
        """
        if self._open[name] >= self._most:
            raise Problem.later(
                f"token {name!r} follows {self._most} streams; allowed are no more", "streams", AGAIN_SECONDS
            )
        if self._open.total() >= self._most_of_all:
            raise Problem.later("too many streams are open; ask again", "streams", AGAIN_SECONDS)


class Stream(StreamingResponse):
    """A stream of events, which counts from before its first byte: of many that are asked for at once, no more begin.

    Parameters
    ----------
    events : AsyncIterator[bytes]
    streams : Streams
    holder : str
        Name of the token.
    """

    def __init__(self, events: AsyncIterator[bytes], streams: Streams, holder: str) -> None:
        super().__init__(events, media_type=STREAM, headers={"X-Accel-Buffering": "no"})
        self._streams, self._holder = streams, holder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events.

        Raises
        ------
        Problem
            If the token follows as many streams as it may.
        """
        with self._streams.counted(self._holder):
            await super().__call__(scope, receive, send)


def router(service: Service) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1", dependencies=[needs(READ)])
    streams = Streams(service.limits.streams, service.limits.streams_of_all)
    desk = service.desk

    def stream(caller: Caller, look: Callable[[], Any], ended: Callable[[Any], bool]) -> Stream:
        holder = caller.token.name
        return Stream(followed(service, holder, look, ended), streams, holder)

    @routes.get("/events", summary="Follow all studies", responses=answers(STREAM, "Server-sent events"))
    async def all_events(caller: Calling) -> Stream:
        """Send what `GET /v1/studies` returns, now and whenever it changes."""
        return stream(caller, lambda: {"studies": desk.list()}, lambda _: False)

    @routes.get("/studies/{name}/events", summary="Follow a study", responses=answers(STREAM, "Server-sent events"))
    async def events(name: Name, caller: Calling) -> Stream:
        """Send the state of a study, now and whenever it changes, until it has ended."""
        await service.quick(desk.status, name)
        return stream(caller, lambda: desk.status(name), lambda found: found["state"] in ENDED)

    return routes


async def followed(
    service: Service, holder: str, look: Callable[[], Any], ended: Callable[[Any], bool]
) -> AsyncIterator[bytes]:
    """Yield events until the study has ended, is deleted, or the token was withdrawn."""
    before, quiet = b"", 0.0
    while True:
        try:
            found = await service.quick(look)
        except NoStudyError:
            return
        document = written(found)
        if document != before:
            before, quiet = document, 0.0
            yield b"data: %b\n\n" % document
        if ended(found):
            return
        if quiet >= QUIET_SECONDS:
            quiet = 0.0
            if await service.quick(service.tokens.holder, holder) is None:
                return
            yield b": still here\n\n"
        await anyio.sleep(LOOK_SECONDS)
        quiet += LOOK_SECONDS
