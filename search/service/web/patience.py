"""Connections of the web server: how long one may ask for nothing, and how many there may be, whoever opens them.

uvicorn waits for ever for the first request of a connection, and for the rest of a body that it has answered already. Nobody
needs a token for either, and each takes a descriptor of which a process has a thousand.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from search.service.limits import Limits


class Patient(H11Protocol):
    """HTTP on one connection, which is closed when it asks for nothing for too long.

    Attributes
    ----------
    limits : Limits
        Of the class: `limited` makes one with others.
    """

    limits = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waiting: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request of it is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; if there are too many connections, one makes way."""
        super().connection_made(transport)
        self._look()
        if len(self.connections) > self.limits.connections:
            idle = [
                each for each in self.connections if isinstance(each, Patient) and each.is_idle and each is not self
            ]
            min(idle, key=Patient.deadline, default=self).give_up()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived. Where nothing more does after an answer, uvicorn itself ends the connection."""
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """End to wait."""
        self._stop()
        super().connection_lost(exc)

    def deadline(self) -> float:
        """Return until when it waits for a request, in seconds of the loop."""
        return 0.0 if self._waiting is None else self._waiting.when()

    def give_up(self) -> None:
        """Close the connection at once: what was written for a client that does not read is not waited for."""
        self.connections.discard(self)
        self._stop()
        self.transport.abort()

    def _look(self) -> None:
        """Wait from now on, or no more, for a request; what arrives meanwhile makes the time no longer."""
        if not self.is_idle or self.transport.is_closing():
            self._stop()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(self.limits.head_seconds, self.give_up)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def limited(limits: Limits) -> type[Patient]:
    """Return the protocol with limits.

    >>> limited(Limits(connections=2)).limits.connections
    2
    """
    return type("Limited", (Patient,), {"limits": limits})
