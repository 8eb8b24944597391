"""What a cluster can do, measured with few workers and modelled with many.

    python -m benchmarks.scale [--repeats 1] [--markdown FILE]

Trials sleep, so that many workers fit on two cores: the figures are those of coordinator, scheduler and store. The scheduler and
the workers are processes of their own, as with `bpsearch serve`. `benchmarks/scale/fake_time.py` has the same code hand out
batches to workers that only count seconds. Its costs are fitted to trials of `FITTED` seconds; the others test it.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import psutil
from distributed import Client
from scipy.optimize import least_squares

from benchmarks import bookkeeping
from benchmarks.common import Table, grid, say
from benchmarks.scale import asleep, fake_time
from benchmarks.scale.fake_time import Costs
from benchmarks.scale.processes import free_ports, running, serve
from search.service.cluster.access import Access
from tests.search import postgresql

WORKERS = (1, 2, 4, 8)
"""With more processes, two cores have no time left for the coordinator, though all of them sleep."""
FITTED, HELD = (0.005, 0.3), (0.01, 0.06, 0.15)
"""Seconds of the trials that the model is fitted to, and of those that test it."""
THREADS = {50: (0.06, 0.15), 150: (0.06, 0.15), 200: (0.04, 0.15)}
"""Many workers, as threads of two processes, and the seconds of their trials; they test the model, too."""
SATURATED, CROWDED = (200, 0.04), (8, 0.005)
"""Where the coordinator is always busy, which shows what a trial costs; and where eight processes may take its processor
time, which the model does not know: it is not fitted to that."""
LONG, FEW = 5.0, (1, 2)
"""Seconds of long trials, and the workers that have some."""
IN_DATABASE = (0.005, 0.04, 0.3)
"""Seconds of the trials of studies in PostgreSQL, with 2 and 8 workers."""

MODELLED, LENGTHS = (10, 100, 200, 1_000, 10_000), (0.005, 0.04, 0.3, 5.0)
REGRETS, SEEDS, OF_REGRET = (1, 10, 50, 200), range(1000, 1032), 200
"""Twelve seeds are too few: with 200 workers, a dozen had a median of 0.16, and these have 0.09."""


class Measured(NamedTuple):
    """A study that ran: trials per second, and CPU milliseconds of coordinator and scheduler per trial."""

    rate: float
    coordinator: float
    scheduler: float
    batches: int


@contextmanager
def cluster(n_processes: int, threads: int = 1) -> Iterator[tuple[Client, psutil.Process]]:
    """Start workers during the body, with a scheduler in a process of its own."""
    with running(serve, n_processes, threads) as child:
        access = Access.read(json.loads(child.pipe.recv()))
        with Client(access.address, security=access.security, set_as_default=False) as client:
            client.gather([client.submit(bookkeeping.window, 1, pure=False) for _ in range(8 * n_processes * threads)])
            yield client, psutil.Process(child.pid)


class Counted:
    """Counts the batches that a client sends."""

    def __init__(self, client: Client) -> None:
        self._client, self.n_batches = client, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit(self, *arguments: Any, **options: Any) -> Any:
        self.n_batches += 1
        return self._client.submit(*arguments, **options)


def search(
    client: Client, scheduler: psutil.Process, seconds: float, n_trials: int, method: str, uri: str = ""
) -> Measured:
    """Run a study whose trials sleep."""
    counted: Any = Counted(client)
    before = sum(scheduler.cpu_times()[:2])
    whole, used = asleep.search(counted, n_trials, method, seconds, uri)
    also = sum(scheduler.cpu_times()[:2]) - before
    per_trial = 1000 / n_trials
    return Measured(n_trials / whole, used * per_trial, also * per_trial, counted.n_batches)


def length(n_workers: int, seconds: float) -> int:
    """Return how many trials a study has: some five seconds of them, as long as the coordinator keeps up."""
    most = 1_500 if n_workers in WORKERS else 30_000
    return int(min(max(n_workers * 5 / seconds, (20 if seconds < 1 else 4) * n_workers), most))


def measured(method: str) -> dict[tuple[int, float], Measured]:
    """Measure studies with few workers."""
    found = {}
    for n_workers in WORKERS:
        with cluster(n_workers) as (client, scheduler):
            search(client, scheduler, 0.005, 200, method)
            for seconds in sorted(FITTED + HELD):
                found[n_workers, seconds] = point(client, scheduler, n_workers, seconds, method)
            if n_workers in FEW:
                found[n_workers, LONG] = point(client, scheduler, n_workers, LONG, method)
    for n_workers, lengths in THREADS.items():
        with cluster(2, n_workers // 2) as (client, scheduler):
            search(client, scheduler, 0.04, 10 * n_workers, method)
            for seconds in lengths:
                found[n_workers, seconds] = point(client, scheduler, n_workers, seconds, method)
    return found


def point(
    client: Client, scheduler: psutil.Process, n_workers: int, seconds: float, method: str, uri: str = ""
) -> Measured:
    """Measure one study."""
    found = search(client, scheduler, seconds, length(n_workers, seconds), method, uri)
    say(method, n_workers, seconds, "in PostgreSQL" if uri else "", *(f"{value:.2f}" for value in found))
    return found


def in_database(method: str) -> list[list[str]]:
    """Measure studies in a PostgreSQL server of their own."""
    rows = []
    (port,) = free_ports(1)
    for n_workers in (2, 8):
        with postgresql.started(port, wait_for) as server, cluster(n_workers) as (client, scheduler):
            uri = server.made(f"scale{n_workers}")
            search(client, scheduler, 0.005, 200, method, uri)
            found = {s: point(client, scheduler, n_workers, s, method, uri) for s in IN_DATABASE}
            rows += [_row(n_workers, seconds, measured) for seconds, measured in found.items()]
    return rows


def wait_for(holds: Callable[[], Any], *arguments: Any, **options: Any) -> None:
    """Wait until something holds."""
    while not holds():
        time.sleep(0.05)


def _row(n_workers: int, seconds: float, found: Measured) -> list[str]:
    figures = [f"{found.rate:,.1f}", f"{found.rate * seconds / n_workers:.0%}", f"{found.coordinator:.2f}"]
    return [f"{n_workers}", f"{1000 * seconds:,.0f}", *figures]


def modelled(costs: Costs, n_workers: int, seconds: float) -> fake_time.Run:
    """Run the study that `measured` measures in fake time."""
    return fake_time.study(n_workers, length(n_workers, seconds), costs, fake_time.fixed(seconds))


def fitted(points: dict[tuple[int, float], Measured]) -> Costs:
    """Return the costs with which the model has the rates of the points that it is fitted to."""
    known = {at: found.rate for at, found in points.items() if is_fitted(at)}

    def error(logs: Any) -> Any:
        costs = Costs(*np.exp(logs))
        return [np.log(modelled(costs, *at).rate / rate) for at, rate in known.items()]

    start = np.log([4e-4, 1e-3, 5e-4, 2e-3, 1e-3])
    found = least_squares(error, start, bounds=(np.log(1e-5), np.log(0.05)), diff_step=0.1, max_nfev=15)
    return Costs(*(float(value) for value in np.exp(found.x)))


def is_fitted(at: tuple[int, float]) -> bool:
    """Whether the model is fitted to a point, so that it does not test it."""
    return at == SATURATED or (at[0] in WORKERS and at[1] in FITTED and at != CROWDED)


def checks(points: dict[tuple[int, float], Measured], costs: Costs) -> tuple[list[list[str]], float]:
    """Compare measured and modelled rates; return the rows, and the largest deviation of those that test the model."""
    rows, worst = [], 0.0
    for (n_workers, seconds), found in sorted(points.items()):
        model = modelled(costs, n_workers, seconds)
        ratio = model.rate / found.rate
        known = is_fitted((n_workers, seconds))
        worst = max(worst, 0.0 if known else abs(ratio - 1))
        beside = [f"{found.scheduler:.2f}", f"{model.rate:,.1f}", f"{ratio:.2f}{' (fitted)' if known else ''}"]
        rows.append([*_row(n_workers, seconds, found), *beside])
    return rows, worst


def predictions(costs: Costs) -> list[list[str]]:
    """Return what the model says of many workers."""
    rows = []
    for n_workers in MODELLED:
        for seconds in LENGTHS:
            run = fake_time.study(n_workers, min(100 * n_workers, 100_000), costs, fake_time.spread(seconds))
            parts = (run.busy, run.coordinator, run.scheduler)
            rows.append(
                [f"{n_workers:,}", f"{1000 * seconds:,.0f}", f"{run.rate:,.0f}", *(f"{part:.0%}" for part in parts)]
            )
    return rows


def regrets() -> list[list[str]]:
    """Return the regret of searches with many workers over that of a serial one, at equal trials."""
    rows = []
    for method in ("random", "bayesian"):
        found = {n: [fake_time.regret(n, OF_REGRET, method, seed) for seed in SEEDS] for n in REGRETS}
        rows.append([method, *(f"{statistics.median(values):.4f}" for values in found.values())])
        say(*rows[-1])
    return rows


def measure(repeats: int) -> Table:
    """Measure and model all of it; the table has the measured points, the note the rest."""
    points = measured("random")
    stored = in_database("random")
    costs = fitted(points)
    rows, worst = checks(points, costs)
    told = ", ".join(f"{name} {1000 * value:.2f}" for name, value in vars(costs).items())
    say(f"fitted, ms: {told}; the largest deviation of the points that test it: {worst:.0%}")
    head = [
        "workers",
        "a trial, ms",
        "trials per second",
        "busy workers",
        "CPU ms of the coordinator",
        "of the scheduler",
        "the model",
        "model over measured",
    ]
    beside = grid(
        ["workers", "a trial, ms", "trials per second", "busy workers", "busy coordinator", "busy scheduler"],
        predictions(costs),
    )
    lost = grid(["method", *(f"{n} workers" for n in REGRETS)], regrets())
    lengths = " and ".join(f"{1000 * seconds:.0f}" for seconds in FITTED)
    note = (
        f"The costs of the model were fitted to trials of {lengths} ms, and to {SATURATED[0]} workers, which the coordinator "
        f"cannot keep busy (ms: {told}); of the others, the largest deviation is {worst:.0%}. "
        f"{min(THREADS)} workers and more are threads of two processes. Studies in PostgreSQL:\n\n"
        f"{grid(head[:5], stored)}\n\nWhat the model says of more workers, whose trials take different times:\n\n{beside}"
        f"\n\nThe regret of a search after {OF_REGRET} trials, median of {len(SEEDS)} made-up functions of four "
        f"hyperparameters:\n\n{lost}\n\n"
    )
    return Table(head, rows, note)
