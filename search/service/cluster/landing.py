"""Batches that have ended, and what came of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future as Promise
from queue import SimpleQueue
from typing import Any

from distributed import Client, Future


class Landing:
    """Fetches the outcomes of batches as they end, several at once, while the search proposes and records others.

    To fetch one takes 10 ms, in which the search would wait.

    Parameters
    ----------
    client : Client
        Of Dask.
    """

    def __init__(self, client: Client) -> None:
        self._client, self._landed = client, SimpleQueue[tuple[Future, Promise[Any]]]()

    def expect(self, batch: Future) -> None:
        """Fetch the outcomes of a batch when it has ended."""
        batch.add_done_callback(self._fetch)

    def get(self, timeout: float) -> tuple[Future, Promise[Any]]:
        """Return the next batch that was fetched; its result is there, or why there is none.

        Raises
        ------
        queue.Empty
            If there is none within `timeout` seconds.
        """
        return self._landed.get(timeout=timeout)  # signals are handled between two waits

    def _fetch(self, batch: Future) -> None:
        fetching = self._outcomes(batch)
        try:
            loop = self._client.loop.asyncio_loop  # type: ignore[union-attr]
            promise = asyncio.run_coroutine_threadsafe(fetching, loop)
        except (AttributeError, RuntimeError):  # the client is closed: the search sees that itself
            fetching.close()
            return
        promise.add_done_callback(lambda fetched: self._landed.put((batch, fetched)))

    async def _outcomes(self, batch: Future) -> Any:
        (found,) = await self._client.gather([batch], asynchronous=True)
        return found
