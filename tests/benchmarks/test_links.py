"""A link delays what goes through it, loses the order of nothing, and ends with its two sides."""

import asyncio
import time

import pytest

from benchmarks.scale.links import AGAIN_SECONDS, PART, Link
from benchmarks.scale.processes import free_ports


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(PART):
        writer.write(part)
    writer.close()


async def _sent(link: Link, sent: bytes) -> tuple[bytes, float]:
    """Send bytes through a link and back; return what has come back, and after which time."""
    here, there = free_ports(2)
    async with await asyncio.start_server(_echo, "127.0.0.1", there):
        (through,) = await link.serve({here: there})
        async with through:
            reader, writer = await asyncio.open_connection("127.0.0.1", here)
            began = time.perf_counter()
            writer.write(sent)
            writer.write_eof()
            back = await reader.read()
            seconds = time.perf_counter() - began
            for each in (writer, through):
                each.close()
                await each.wait_closed()  # Python 3.12 and newer wait for its connections, too
            await asyncio.sleep(0.1)
            return back, seconds


@pytest.mark.parametrize(
    ("link", "least"),
    [(Link(0), 0), (Link(0.05), 0.1), (Link(0.01, 1.0), 2 * (0.01 + AGAIN_SECONDS + 0.02)), (Link(0.001, 0.3), 0.002)],
)
def test_all_arrives_in_order_and_not_before_its_time(link, least):
    sent = bytes(range(256)) * 2048
    back, seconds = asyncio.run(asyncio.wait_for(_sent(link, sent), 60))
    assert back == sent
    assert seconds >= least
