"""The workers of a cluster that a study can use: those with the same versions, enough memory, and the data.

Whoever joins is asked once, by a task of its own, and gets a copy of the data if it has none. Nothing here waits: a worker that
is busy, or hung, becomes a member later or never, and the others work meanwhile.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from concurrent.futures import Future as Promise
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from search.errors import AwayError, StudyError
from search.service.cluster import copying, standing
from search.service.cluster.background import beside
from search.service.cluster.standing import Standing
from search.service.data_copies import Copy

COUNT_SECONDS = 2.0
"""Seconds between two questions which workers there are: each is a request to the scheduler."""

FIRST = 1_000
"""Priority of the questions to workers, above that of any batch."""

MOST_TOLD = 3

TRIES = 3
"""How often data is sent before the workers that were to have it count as out of reach."""


@dataclass(frozen=True)
class Needs:
    """What a study needs of a worker.

    Attributes
    ----------
    root : str
        The absolute path of the project.
    place : str
        What identifies the project's folder of copies.
    data : Copy or None
        The copy of its data; None if its source is no file.
    url : str
        Of an object store or a folder that has the copy, too; empty if there is none.
    versions : dict of str to str
    """

    root: str = ""
    place: str = ""
    data: Copy | None = None
    url: str = ""
    versions: Mapping[str, str] = field(default_factory=standing.versions)


@dataclass
class _Candidate:
    """A worker that has joined: what the scheduler knows of it, and what it was asked."""

    threads: int
    limit: float
    asked: Future
    standing: Standing | None = None
    problem: str = ""
    ready: bool = False

    @property
    def room(self) -> float:
        """Bytes that are left for a study."""
        taken = 0.0 if self.standing is None else self.standing.taken
        return self.limit - taken if self.limit else math.inf


class Members:
    """The workers of a cluster, as one study sees them.

    Parameters
    ----------
    client : Client
        Of Dask.
    needs : Needs
    tell : callable
        Called with a sentence about each worker that cannot be used.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    changes : int
        How many workers have gone.
    """

    def __init__(
        self,
        client: Client,
        needs: Needs,
        tell: Callable[[str], None] = lambda told: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._needs, self._tell, self._clock = client, needs, tell, clock
        self._known: dict[str, _Candidate] = {}
        self._counted, self.changes, self._waits = -math.inf, 0, False
        self._asked: set[str] = set()
        self._n_threads, self._room, self._all_ready = 0, (math.inf, math.inf), False
        self._failures = 0
        self._sending: tuple[Promise[dict[str, str]], list[str]] | None = None

    @property
    def n_threads(self) -> int:
        """How many trials can run at the same time."""
        self.look()
        return self._n_threads

    @property
    def versions(self) -> Mapping[str, str]:
        """What each of them has."""
        return self._needs.versions

    @property
    def addresses(self) -> list[str]:
        """All workers that are connected, those that cannot be used among them."""
        return list(self._known)

    @property
    def n_connected(self) -> int:
        """How many these are."""
        return len(self._known)

    @property
    def problems(self) -> list[str]:
        """Why workers cannot be used."""
        return [each.problem for each in self._known.values() if each.problem]

    @property
    def room(self) -> tuple[float, float]:
        """Bytes that the members with the least and with the most memory have for a study."""
        return self._room

    def able(self, needed: float = 0.0, *, narrow: bool = False) -> list[str] | None:
        """Return the addresses of the members with this room; None if these are all that are connected, unless `narrow`."""
        if self._all_ready and needed <= self._room[0] and not narrow:
            return None
        return [address for address, each in self._known.items() if each.ready and each.room >= needed]

    def look(self) -> None:
        """Ask the scheduler who is there, if that is due, and see what workers have answered.

        Raises
        ------
        StudyError
            If there are workers, and none can be used.
        AwayError
            If the scheduler is gone.
        """
        now, changes = self._clock(), 0
        if now >= self._counted + COUNT_SECONDS and self._client.status == "running":  # one that is gone is not asked
            self._counted = now
            changes += self._count()
        for address in [address for address in self._asked if self._known[address].asked.done()]:
            changes += 1
            self._asked.remove(address)
            self._settle(address, self._known[address])
        if self._sending is not None and self._sending[0].done():
            changes += 1
            self._received(*self._sending)
            self._sending = None
        if changes:
            self._sum_up()

    def _sum_up(self) -> None:
        """Note what follows from what is known of each worker, and send the data to those that lack it."""
        ready = [each for each in self._known.values() if each.ready]
        rooms = [each.room for each in ready]
        self._n_threads = sum(each.threads for each in ready)
        self._room = (min(rooms), max(rooms)) if ready else (math.inf, math.inf)
        self._all_ready = bool(ready) and len(ready) == len(self._known)
        self._send()
        if self._known and len(problems := self.problems) == len(self._known):
            told = "; ".join(dict.fromkeys(problems[:MOST_TOLD]))
            raise StudyError(f"no worker of the cluster can be used: {told}")

    def leave(self) -> None:
        """Give up what was asked."""
        if self._client.status != "running":
            return
        with suppress(Exception):  # it may go meanwhile
            asked = [self._known[address].asked for address in self._asked]
            self._client.cancel([each for each in asked if not each.done()])

    def _count(self) -> int:
        """Ask the scheduler who is there; return how many have come or gone."""
        try:
            there = self._client.scheduler_info(n_workers=-1)["workers"]
        except OSError:
            raise AwayError("the scheduler is gone") from None
        gone = [address for address in self._known if address not in there]
        for address in gone:
            self._forget(address)
        new = [address for address in there if address not in self._known]
        for address in new:
            told = there[address]
            asked = self._ask(address)
            self._known[address] = _Candidate(told["nthreads"], float(told["memory_limit"] or 0), asked)
            self._asked.add(address)
        if not self._known and not self._waits:
            self._tell("no worker is connected to the cluster: the study waits for one")
        self._waits = not self._known
        return len(gone) + len(new)

    def _forget(self, address: str) -> None:
        """Forget a worker that is gone; if it is there all the same, it is asked again."""
        del self._known[address]
        self._asked.discard(address)
        self.changes += 1

    def _ask(self, address: str) -> Future:
        data = "" if self._needs.data is None else self._needs.data.address
        given = (self._needs.root, self._needs.place, data, self._needs.url)
        return self._client.submit(standing.standing, *given, workers=[address], pure=False, priority=FIRST)

    def _settle(self, address: str, each: _Candidate) -> None:
        """Note what a worker has answered."""
        try:
            each.standing = Standing(*each.asked.result())
        except (KilledWorker, CancelledError):  # it, or the scheduler, has died meanwhile
            self._forget(address)
            return
        except Exception as error:  # whatever its installation raises
            each.problem = f"worker {address}: {_reason(error)}"
        else:
            differs = standing.differing(self._needs.versions, each.standing.versions)
            each.problem = f"worker {address} has {differs}" if differs else ""
            each.ready = each.standing.has and not differs
        if each.problem:
            self._tell(f"{each.problem}; it is not used")

    def _send(self) -> None:
        """Send the data to the workers that lack it, one group after the other; those of one folder share a copy."""
        lacking: dict[str, str] = {}
        for address, each in self._known.items():
            if each.standing is not None and not each.ready and not each.problem:
                lacking.setdefault(each.standing.folder, address)
        if lacking and self._sending is None and self._needs.data is not None:
            addresses = list(lacking.values())
            self._sending = beside(partial(copying.send, self._client, self._needs.data, addresses)), addresses

    def _received(self, sent: Promise[dict[str, str]], addresses: list[str]) -> None:
        try:
            problems = sent.result()
        except Exception as error:  # whatever a network, a disk or Dask raises: the workers have no data then
            self._failures += 1
            problems = dict.fromkeys(addresses, _reason(error))
            if self._failures % TRIES:  # one of them may have gone meanwhile
                return
        folders = {self._folder(address) for address, problem in problems.items() if not problem}
        for address, each in self._known.items():
            if each.standing is not None and each.standing.folder in folders:
                each.ready = not each.problem
            elif problem := problems.get(address, ""):
                each.problem = f"worker {address} did not get the data: {problem}"
                self._tell(f"{each.problem}; it is not used")

    def _folder(self, address: str) -> str:
        each = self._known.get(address)
        return "" if each is None or each.standing is None else each.standing.folder


def _reason(error: Any) -> str:
    name = type(error).__name__
    return f"{name}: {' '.join(str(error).split())[:300]}"
