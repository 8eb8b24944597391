"""What the service costs: handing trials to its workers, its queue with many studies, and its answers on long studies.

    python -m benchmarks.service [--repeats 1] [--markdown FILE]

Trials of the first rows sleep for 40 ms, so that two workers do not compete with the coordinator for two cores: the figures are
those of the hand-out. Trials of the last rows train; there, two cores have the workers, the coordinator and the scheduler.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, closing, contextmanager
from pathlib import Path
from typing import Any

from distributed import Client

from benchmarks import bookkeeping
from benchmarks.common import Table, main, say
from benchmarks.scale import asleep
from search.loop import runner
from search.loop.journal import StudyStore
from search.service import submission
from search.service.cluster import local
from search.service.cluster.of_study import workers_of
from search.service.desk import Desk
from search.service.place import Place
from search.service.queue import Queue
from search.space import spaces
from search.study import assembly, data, study_file
from search.trials.penalties import Feedback
from search.trials.problem import Trial

SECONDS = 0.04
"""Of a trial that sleeps."""

SPACE = spaces.default()

REAL = """\
name = "real"
[data]
source = "sklearn:diabetes"
task = "regression"
[model]
hidden_layer_sizes = [64, 64]
max_iter = 60
early_stopping = false
[space]
alpha = { low = 1e-5, high = 1e-2, log = true }
[search]
method = "random"
prune = false
n_trials = 200
"""


def training(client: Client, folder: Path, n_trials: int) -> float:
    """Run a study whose trials train, without its end; return its seconds."""
    path = folder / "real.toml"
    path.write_text(REAL)
    with chdir(folder):
        made = submission.of_file(path, Place())
        study = study_file.parse(made.text, Place().study(made.name))
        dataset = data.load(study)
        problem = assembly.build_problem(study, dataset)
        plan, _ = assembly.planned(study.with_search(n_trials=n_trials), dataset, problem)
        with (
            workers_of(client, folder, study.with_search(n_trials=n_trials), made.text, made.data) as workers,
            closing(StudyStore(None, "x", {}, study.space)) as store,
        ):
            list(workers.outcomes([runner.Job(problem, Trial(n, {"alpha": 1e-4})) for n in range(4)], lambda: False))
            began = time.perf_counter()
            runner.run(problem, study.space, plan, store, -80.0, workers=workers)
            return time.perf_counter() - began


@contextmanager
def connected(n_workers: int) -> Iterator[Client]:
    """Start workers during the body."""
    with (
        local.started(n_workers) as (_, access),
        Client(access.address, security=access.security, set_as_default=False) as client,
    ):
        client.gather([client.submit(bookkeeping.window, 1, pure=False) for _ in range(8 * n_workers)])
        yield client


def hand_out(n_trials: int, trained: int) -> list[list[str]]:
    """Measure the throughput of one and of two workers."""
    slept, trains = {}, {}
    cpu: dict[str, float] = {}
    for n_workers in (1, 2):
        with connected(n_workers) as client, tempfile.TemporaryDirectory() as folder:
            slept[n_workers], cpu["bayesian"] = asleep.search(client, n_trials, "bayesian", SECONDS)
            _, cpu["random"] = asleep.search(client, n_trials, "random", SECONDS)
            trains[n_workers] = training(client, Path(folder), trained)
    lost = 1000 * (slept[1] / n_trials - SECONDS)
    return [
        [
            f"{n_trials:,} trials that sleep 40 ms: trials per second, 1 and 2 workers",
            " and ".join(f"{n_trials / s:.1f}" for s in slept.values()),
        ],
        ["the same: 2 workers over 1", f"{slept[1] / slept[2]:.2f}"],
        ["the same: ms of a worker lost per trial", f"{lost:.1f}"],
        [
            "the same: CPU ms of coordinator and scheduler per trial, with proposals (Bayesian) and without (random)",
            " and ".join(f"{1000 * cpu[method] / n_trials:.1f}" for method in ("bayesian", "random")),
        ],
        [
            f"{trained} trials that train: ms each, 1 and 2 workers",
            " and ".join(f"{1000 * s / trained:.0f}" for s in trains.values()),
        ],
        ["the same: 2 workers over 1", f"{trains[1] / trains[2]:.2f}"],
    ]


def queue(n_studies: int, submitters: int) -> list[list[str]]:
    """Measure a queue with many studies, and many who submit at once."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        made = Queue(Place())
        desk = Desk(made, lambda: "sqlite:///none.db")
        about = {"scoring": "accuracy", "method": "bayesian", "n_trials": 50, "source": "a.csv"}

        def submit(number: int) -> float:
            began = time.perf_counter()
            made.submit(f"study-{number}", bookkeeping.__doc__ or "", "f", about=about)
            return time.perf_counter() - began

        with ThreadPoolExecutor(submitters) as pool:
            began = time.perf_counter()
            waits = list(pool.map(submit, range(n_studies)))
            whole = time.perf_counter() - began
        listed, one = _seconds(desk.list), _seconds(lambda: desk.status("study-7"))
        made.close()
    return [
        [
            f"{submitters} submitters, {n_studies:,} studies: seconds in all, longest wait",
            f"{whole:.1f}, {max(waits):.2f}",
        ],
        [f"status of a queue of {n_studies:,} studies, of one of them: seconds", f"{listed:.3f}, {one:.4f}"],
    ]


def long_study(n_trials: int) -> list[list[str]]:
    """Measure answers on a study of many trials."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        made = Queue(Place())
        made.submit("long", "", "f", about={"scoring": "accuracy"})
        row = made.act("long", "start")
        with closing(StudyStore(Path("studies/long.journal"), "long", {}, bookkeeping.SPACE)) as store:
            for number in range(n_trials):
                outcome = bookkeeping.outcome(Trial(number, bookkeeping.SPACE.random_point(0, number)))
                store.record(outcome, Feedback(0.5, -1.0))
        made.beat("long", row.fence, {"trials": {"ok": n_trials}, "best": 0.5, "n_trials": n_trials})
        desk = Desk(made, lambda: "sqlite:///none.db")
        status = _seconds(lambda: desk.status("long"))
        first = _seconds(lambda: desk.trials("long", n_trials - 1, 1))
        again = _seconds(lambda: desk.trials("long", n_trials // 2, 100))
        made.close()
    return [
        [f"status of a study of {n_trials:,} trials: seconds", f"{status:.4f}"],
        ["its trials, the first time and 100 of them again: seconds", f"{first:.2f}, {again:.3f}"],
    ]


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(
    repeats: int,
    n_trials: int = 400,
    trained: int = 200,
    n_studies: int = 1000,
    submitters: int = 50,
    most: int = 10_000,
) -> Table:
    """Measure all of it; the figures of the hand-out are those of the repeat in the middle."""
    runs = []
    for _ in range(repeats):
        runs.append(hand_out(n_trials, trained))
        say(*(cell for row in runs[-1] for cell in row))
    middle = sorted(runs, key=lambda rows: float(rows[1][1]))[(len(runs) - 1) // 2]
    rows = [*middle, *queue(n_studies, submitters), *long_study(most)]
    note = f"The hand-out: the repeat in the middle of {repeats}, by the second row; spread {_spread(runs):.2f}."
    return Table(["what", "figure"], rows, note)


def _spread(runs: list[list[list[str]]]) -> float:
    ratios = [float(rows[1][1]) for rows in runs]
    return statistics.pstdev(ratios) if len(ratios) > 1 else 0.0


if __name__ == "__main__":
    main("service", measure, repeats=3)
