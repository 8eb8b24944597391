"""A link between hosts: what goes through it arrives later, and some of it much later.

The kernel's `netem` does this where it may be loaded. Here, bytes are held back between two sockets: each part for the delay of
one way, and one that is lost for the time after which TCP sends it again. All that was sent after it waits for it, as in TCP.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

AGAIN_SECONDS = 0.2
"""Shortest time after which Linux sends again what was lost, on top of the way there and back."""

PART = 2**16
"""Bytes that are read, and may be lost, at once. A network loses packets of 1.5 kB, of which TCP sends most again at once."""


@dataclass(frozen=True)
class Link:
    """How long bytes take one way, in seconds, and the share of parts that is lost."""

    delay: float
    loss: float = 0.0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seed: int) -> None:
        """Take bytes from one socket to another until there are no more."""
        random_ = random.Random(seed)
        parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arriving = asyncio.create_task(self._arrive(parts, writer))
        clock = asyncio.get_running_loop().time
        with suppress(OSError):
            while part := await reader.read(PART):
                lost = random_.random() < self.loss
                parts.put_nowait((clock() + self.delay + (AGAIN_SECONDS + 2 * self.delay if lost else 0.0), part))
        parts.put_nowait((clock() + self.delay, b""))
        await arriving

    async def _arrive(self, parts: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        with suppress(OSError):
            while True:
                at, part = await parts.get()
                await asyncio.sleep(max(at - clock(), 0.0))
                if not part:
                    break
                writer.write(part)
                await writer.drain()
            writer.write_eof()  # the other way may still be in use

    async def serve(self, ways: dict[int, int]) -> list[asyncio.Server]:
        """Listen on ports of this machine, and carry what arrives to other ones, and back."""
        counted = iter(range(10**9))

        def to(port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
            async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                there, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(
                    self.carry(reader, back, next(counted)),
                    self.carry(there, writer, next(counted)),
                )
                back.close()
                writer.close()

            return connected

        return [await asyncio.start_server(to(port), "127.0.0.1", here) for here, port in ways.items()]
