"""What a cluster can do, measured with few workers and modelled with many.

    python -m benchmarks.scale [--repeats 1] [--markdown FILE]

Trials sleep, so that many workers fit on two cores: the figures are those of coordinator, scheduler and store. The scheduler and
the workers are processes of their own, as with `bpsearch serve`. `benchmarks/scale/fake_time.py` has the same code hand out
batches to workers that only count seconds. Its costs are fitted to trials of `FITTED` seconds; the others test it.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
from collections.abc import Iterator
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
from search.service.cluster import local
from search.service.cluster.access import Access

WORKERS = (1, 2, 4, 8)
"""With more processes, two cores have no time left for the coordinator, though all of them sleep."""
FITTED, HELD = (0.005, 0.3), (0.02, 0.04, 0.1)
"""Seconds of the trials that the model is fitted to, and of those that test it."""

MODELLED, LENGTHS = (10, 100, 200, 1_000, 10_000), (0.005, 0.04, 0.3, 5.0)
REGRETS, SEEDS, OF_REGRET = (1, 10, 50, 200), 12, 200


class Measured(NamedTuple):
    """A study that ran: trials per second, and CPU milliseconds of coordinator and scheduler per trial."""

    rate: float
    coordinator: float
    scheduler: float
    batches: int


def serve(n_workers: int, told: Any) -> None:
    """Run a scheduler and workers until the parent says that it is enough."""
    with local.started(n_workers) as (_, access):
        told.send(json.dumps(access.written()))
        told.recv()


@contextmanager
def cluster(n_workers: int) -> Iterator[tuple[Client, psutil.Process]]:
    """Start workers during the body, with a scheduler in a process of its own."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(n_workers, there))
    process.start()
    access = Access.read(json.loads(here.recv()))
    with Client(access.address, security=access.security, set_as_default=False) as client:
        client.gather([client.submit(bookkeeping.window, 1, pure=False) for _ in range(8 * n_workers)])
        yield client, psutil.Process(process.pid)
    here.send(None)
    process.join()


class Counted:
    """Counts the batches that a client sends."""

    def __init__(self, client: Client) -> None:
        self._client, self.n_batches = client, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit(self, *arguments: Any, **options: Any) -> Any:
        self.n_batches += 1
        return self._client.submit(*arguments, **options)


def search(client: Client, scheduler: psutil.Process, seconds: float, n_trials: int, method: str) -> Measured:
    """Run a study whose trials sleep."""
    counted: Any = Counted(client)
    before = sum(scheduler.cpu_times()[:2])
    whole, used = asleep.search(counted, n_trials, method, seconds)
    also = sum(scheduler.cpu_times()[:2]) - before
    per_trial = 1000 / n_trials
    return Measured(n_trials / whole, used * per_trial, also * per_trial, counted.n_batches)


def length(n_workers: int, seconds: float) -> int:
    """Return how many trials a study has: about five seconds of them, as long as the coordinator keeps up."""
    return int(min(max(n_workers * 5 / seconds, 20 * n_workers), 1_500))


def measured(method: str) -> dict[tuple[int, float], Measured]:
    """Measure studies with few workers."""
    found = {}
    for n_workers in WORKERS:
        with cluster(n_workers) as (client, scheduler):
            search(client, scheduler, 0.005, 200, method)
            for seconds in sorted(FITTED + HELD):
                n_trials = length(n_workers, seconds)
                found[n_workers, seconds] = search(client, scheduler, seconds, n_trials, method)
                say(method, n_workers, seconds, n_trials, *(f"{value:.2f}" for value in found[n_workers, seconds]))
    return found


def modelled(costs: Costs, n_workers: int, seconds: float) -> fake_time.Run:
    """Run the study that `measured` measures in fake time."""
    return fake_time.study(n_workers, length(n_workers, seconds), costs, fake_time.fixed(seconds))


def fitted(points: dict[tuple[int, float], Measured]) -> Costs:
    """Return the costs with which the model has the rates of the points that it is fitted to."""
    known = {point: found.rate for point, found in points.items() if point[1] in FITTED}

    def error(logs: Any) -> Any:
        costs = Costs(*np.exp(logs))
        return [np.log(modelled(costs, *point).rate / rate) for point, rate in known.items()]

    start = np.log([2e-3, 2e-3, 5e-4, 2e-3, 1e-3])
    found = least_squares(error, start, bounds=(np.log(1e-5), np.log(0.05)), diff_step=0.1, max_nfev=40)
    return Costs(*(float(value) for value in np.exp(found.x)))


def checks(points: dict[tuple[int, float], Measured], costs: Costs) -> tuple[list[list[str]], float]:
    """Compare measured and modelled rates; return the rows, and the largest deviation of those that test the model."""
    rows, worst = [], 0.0
    for (n_workers, seconds), found in sorted(points.items()):
        model = modelled(costs, n_workers, seconds)
        ratio = model.rate / found.rate
        worst = max(worst, abs(ratio - 1) if seconds in HELD else 0.0)
        ideal = n_workers / seconds
        figures = [f"{found.rate:,.0f}", f"{found.rate / ideal:.0%}", f"{model.rate:,.0f}", f"{ratio:.2f}"]
        rows.append(
            [f"{n_workers}", f"{1000 * seconds:,.0f}", *figures, f"{found.coordinator:.1f}", f"{found.scheduler:.1f}"]
        )
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
        found = {n: [fake_time.regret(n, OF_REGRET, method, seed) for seed in range(SEEDS)] for n in REGRETS}
        rows.append([method, *(f"{statistics.median(values):.4f}" for values in found.values())])
        say(*rows[-1])
    return rows


def measure(repeats: int) -> Table:
    """Measure and model all of it; the table has the measured points, the note the rest."""
    points = measured("random")
    costs = fitted(points)
    rows, worst = checks(points, costs)
    told = ", ".join(f"{name} {1000 * value:.2f}" for name, value in vars(costs).items())
    say(f"fitted, ms: {told}; the largest deviation of the points that test it: {worst:.0%}")
    head = [
        "workers",
        "a trial, ms",
        "trials per second",
        "of what they could",
        "the model",
        "model over measured",
        "CPU ms of the coordinator",
        "of the scheduler",
    ]
    beside = grid(
        ["workers", "a trial, ms", "trials per second", "busy workers", "busy coordinator", "busy scheduler"],
        predictions(costs),
    )
    lost = grid(["method", *(f"{n} workers" for n in REGRETS)], regrets())
    lengths = " and ".join(f"{1000 * seconds:.0f}" for seconds in FITTED)
    note = (
        f"The costs of the model were fitted to trials of {lengths} ms (ms: {told}); of the others, the largest deviation is "
        f"{worst:.0%}. What it says of more workers, whose trials take different times:\n\n{beside}\n\nThe regret of a search "
        f"after {OF_REGRET} trials, median of {SEEDS} made-up functions of four hyperparameters:\n\n{lost}\n\n"
    )
    return Table(head, rows, note)
