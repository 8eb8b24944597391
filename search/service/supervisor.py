"""The part of the service that decides which studies run: it starts coordinators, looks after them, and settles what they leave.

Studies of a high priority start first, and of these the one that has waited longest. If more studies wait than may run
at once, the one that has run longest makes way after its turn, so that a small study does not wait for a large one to end.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from search.errors import StudyError
from search.files import writing
from search.processes import python
from search.service.cluster.access import Access
from search.service.coordinator import LATER, Orders
from search.service.external.asking import Asking
from search.service.queue import FencedError, Queue
from search.service.queued import EXTERNAL, Queued
from search.service.states import ENDED, QUEUED, RUNNING, STOPPING, TransitionError
from search.terminal import leaving

AT_ONCE = 4
"""Studies that run at the same time."""

TURN_SECONDS = 60.0
"""Seconds that a study runs before it makes way for one that waits."""

LOOK_SECONDS = 0.2
"""Seconds between two looks at queue and coordinators."""

SILENT_SECONDS = 120.0
"""Seconds without a sign of life after which a coordinator is killed."""

LEASE_SECONDS, RENEWALS = 15.0, 4
"""Length of the lease that a service has on each study that it runs, and how often it is renewed in that time. If a service on
another machine is gone, its studies are taken over when their leases have run out."""

FIRST_PAUSE, LONGEST_PAUSE = 15.0, 300.0
"""Seconds after which a study whose MLflow server is away is tried again and, as each pause is twice the one before, the longest
pause."""

DEATHS = 3
"""Deaths of its coordinators, without a finished trial between them, after which a study has failed."""


@dataclass
class Running:
    """A coordinator and its study.

    Attributes
    ----------
    process : Popen
    fence : int
    beat, silent : int and float
        The latest sign of life, and the seconds that have passed without another one while the supervisor was awake.
    ran : float
        Seconds since the start, likewise.
    """

    process: subprocess.Popen[bytes]
    fence: int
    beat: int = 0
    silent: float = 0.0
    ran: float = 0.0

    def end_input(self) -> None:
        """Close the coordinator's standard input: it ends in order."""
        if self.process.stdin is not None:
            self.process.stdin.close()


class Pause(NamedTuple):
    """Until when a study is not started, by the supervisor's own time, how long that is, and since when the study is queued."""

    until: float
    seconds: float
    since: float


Start = Callable[[Orders], "subprocess.Popen[bytes]"]


@dataclass
class Supervisor:
    """Runs the studies of a queue.

    Parameters
    ----------
    queue : Queue
    access : Access
        To the cluster, for coordinators.
    at_once : int
        Studies that run at the same time.
    asking : Asking, optional
        Has the studies whose trials clients train.
    start : callable
        Starts a coordinator.
    running : dict of str to Running
        Its coordinators, by the names of their studies.
    holder : str
        What it is called in the leases of its studies.
    """

    queue: Queue
    access: Access
    at_once: int = AT_ONCE
    asking: Asking | None = None
    start: Start = field(default_factory=lambda: started)
    running: dict[str, Running] = field(default_factory=dict)
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}")
    _deaths: dict[str, tuple[int, int]] = field(default_factory=dict)
    _pauses: dict[str, Pause] = field(default_factory=dict)
    _time: float = 0.0
    _renewed: float = 0.0
    _told: str = ""

    def run(self, ended: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        """Run studies until the event is set; then stop them, to be gone on with by the next service."""
        self.recover()
        before = clock()
        while not ended.wait(LOOK_SECONDS):
            now = clock()
            try:
                self.tick(min(now - before, 2 * LOOK_SECONDS))  # time in which this process slept is nobody's silence
                self._told = ""
            except StudyError as error:  # the disk is full, or the database was locked for long: later it may go on
                self._tell(str(error))
            before = now
        self.stop()

    def recover(self) -> None:
        """Take over what an earlier service has left that was killed; what is another machine's is left until its lease ends."""
        if not self.queue.is_shared:
            self._release(self.queue.all(RUNNING, STOPPING))
        if self.asking is not None:
            self.asking.recover()

    def _release(self, rows: list[Queued]) -> None:
        """Release studies that run without a coordinator: one that could not be started leaves them, on a full disk."""
        for row in rows:
            if row.state != QUEUED and row.name not in self.running:
                self.queue.act(row.name, "release")

    def _take_over(self) -> None:
        """Queue again what others have started, who have not renewed their leases: of several services, one succeeds."""
        for row in self.queue.expired():
            if row.name not in self.running and row.kind != EXTERNAL:
                with suppress(TransitionError):  # somebody was faster
                    taken = self.queue.claim(row.name, self.holder, LEASE_SECONDS)
                    self.queue.act(row.name, "release", fence=taken.fence)

    def _renew(self, passed: float) -> None:
        """Renew the leases of the studies that run here; one that was taken over is left to whoever has it."""
        self._renewed += passed
        if self._renewed < LEASE_SECONDS / RENEWALS:
            return
        self._renewed = 0.0
        for name, each in list(self.running.items()):
            try:
                self.queue.renew(name, each.fence, LEASE_SECONDS)
            except FencedError:
                each.process.kill()
                each.process.wait()
                del self.running[name]

    def _tell(self, problem: str) -> None:
        """Tell a problem once, until all went well again."""
        if problem != self._told:
            leaving.tell(f"error: {problem}; the service goes on")
        self._told = problem

    def tick(self, passed: float) -> None:
        """Settle what has ended, look after what runs, and start what waits.

        Parameters
        ----------
        passed : float
            Seconds since the last call.
        """
        self._time += passed
        for name, each in list(self.running.items()):
            if each.process.poll() is not None:
                self._settle(name, each)
        self._renew(passed)
        if self.queue.is_shared:
            self._take_over()
        own = self._rows()
        self._release(own)
        rows = {row.name: row for row in own}
        for name, each in self.running.items():
            if name in rows:
                self._watch(each, rows[name], passed)
        waiting = [row for row in rows.values() if row.state == QUEUED and self._may_start(row)]
        waiting.sort(key=lambda row: (-row.priority, row.since, row.id))
        for row in waiting[: max(0, self.at_once - len(self.running))]:
            self._start(row)
        if waiting[self.at_once - len(self.running) :] and len(self.running) >= self.at_once:
            self._make_way(waiting[0], rows)

    def _rows(self) -> list[Queued]:
        """Return the studies that are its own; those whose trials clients train are settled at once."""
        rows = self.queue.all(QUEUED, RUNNING, STOPPING)
        for row in rows:
            if row.kind == EXTERNAL and self.asking is not None:
                self.asking.settle(row)
        return [row for row in rows if row.kind != EXTERNAL and (row.state == QUEUED or self._is_own(row))]

    def _is_own(self, row: Queued) -> bool:
        """Return whether it is this service that runs a study."""
        return not self.queue.is_shared or row.holder == self.holder

    def stop(self, patience: float = 15.0) -> None:
        """Stop all coordinators; their studies stay queued."""
        for each in self.running.values():
            each.end_input()
        deadline = time.monotonic() + patience
        for each in self.running.values():
            try:
                each.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()
        for name, each in list(self.running.items()):
            with suppress(StudyError):  # the disk is full: the next service settles it
                self._settle(name, each, stopped=True)

    def _start(self, row: Queued) -> None:
        try:
            row = self.queue.claim(row.name, self.holder, LEASE_SECONDS)
        except TransitionError:  # another service was faster, or its user
            return
        orders = Orders(row.name, row.fence, self.access)
        try:
            writing.write(self.queue.place.study(row.name), row.text.encode())
            self.running[row.name] = Running(self.start(orders), row.fence)
        except (OSError, StudyError) as error:
            self.queue.act(row.name, "fail", fence=row.fence, reason=f"its coordinator could not be started: {error}")

    def _watch(self, each: Running, row: Queued, passed: float) -> None:
        """Count the time that a coordinator has been silent, and kill one that has been so for too long."""
        each.ran += passed
        each.silent = 0.0 if row.beat != each.beat else each.silent + passed
        each.beat = row.beat
        if each.silent > SILENT_SECONDS:
            each.process.kill()

    def _make_way(self, waiting: Queued, rows: dict[str, Queued]) -> None:
        """Stop the study that has run longest, if its turn is over and its priority is not above that of the one that waits."""
        others = [(each, rows[name]) for name, each in self.running.items() if name in rows]
        if any(row.state == STOPPING for _, row in others):
            return  # a place will be free
        able = [(each.ran, row) for each, row in others if row.priority <= waiting.priority and each.ran > TURN_SECONDS]
        if able:
            _, longest = max(able, key=lambda pair: (-pair[1].priority, pair[0]))
            self.queue.act(longest.name, "yield")

    def _settle(self, name: str, each: Running, *, stopped: bool = False) -> None:
        """Note in the queue what has become of a study whose coordinator has ended."""
        del self.running[name]
        row, before = self.queue.get(name), self._pauses.pop(name, None)
        if row.fence != each.fence or row.state in ENDED:
            self._deaths.pop(name, None)
        elif row.state == STOPPING:
            self.queue.act(name, "stopped", fence=each.fence)
        elif row.state == RUNNING and (stopped or each.process.returncode == LATER or self._may_try_again(row)):
            self.queue.act(name, "release", fence=each.fence)
        elif row.state == RUNNING:
            code = each.process.returncode
            told = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            reason = f"its coordinator ended {told}, {DEATHS} times without a finished trial; its log may say why"
            self.queue.act(name, "fail", fence=each.fence, reason=reason)
        if each.process.returncode == LATER:
            seconds = FIRST_PAUSE if before is None else min(2 * before.seconds, LONGEST_PAUSE)
            self._pauses[name] = Pause(self._time + seconds, seconds, self.queue.get(name).since)

    def _may_start(self, row: Queued) -> bool:
        """Return whether a study that is queued has no coordinator, and is not to be tried later."""
        pause = self._pauses.get(row.name)
        is_later = pause is not None and pause.since == row.since and self._time < pause.until
        return row.name not in self.running and not is_later

    def _may_try_again(self, row: Queued) -> bool:
        """Count the deaths of a study's coordinators since its last finished trial."""
        done = sum(row.counts.get("trials", {}).values())
        deaths, before = self._deaths.get(row.name, (0, -1))
        deaths = deaths + 1 if done == before else 1
        self._deaths[row.name] = (deaths, done)
        return deaths < DEATHS


def started(orders: Orders) -> subprocess.Popen[bytes]:
    """Start a coordinator in a session of its own: a Ctrl-C in the terminal is for the service alone.

    What it says goes to the log of its study.
    """
    from search.service.place import Place

    log = writing.opened_to_append(Place().log(orders.name))
    try:
        process = subprocess.Popen(
            python.command("-m", "search.service.coordinator"),
            env=python.environment({"OMP_NUM_THREADS": "1"}),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        os.close(log)
    assert process.stdin is not None
    process.stdin.write(f"{orders.written()}\n".encode())
    process.stdin.flush()
    return process
