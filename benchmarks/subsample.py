"""What `subsample = 0.1` saves on large tables: rank correlation of a tenth of the rows, processor time, and the best trial.

    python -m benchmarks.subsample [--data FOLDER] [--seeds 2] [--markdown FILE]

Each table is searched with and without the option, with the same seeds. `random` tries the same configurations in both cases, so
those that ended on the sample have scores on all rows from the other search.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import spearmanr
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from benchmarks.common import Table, parser, publish, say
from benchmarks.sets import Data, load
from bpmodel import BPClassifier, BPRegressor
from bpmodel.preprocessing import TablePreprocessor
from search import BPSearchCV
from search.trials.outcomes import Outcome
from search.trials.subsample import agreement

SHARE, TRIALS, FOLDS = 0.1, 48, 3
ROWS, COLUMNS, EPOCHS = 200_000, 20, 30
"""Of the synthetic table, and of fits on all tables."""

LARGE = 30_000
"""Rows from which a set of a folder is a large table here."""

SCORINGS = {"regression": "neg_root_mean_squared_error", "classification": "neg_log_loss"}
METHODS = ("random", "bayesian")


class Run(NamedTuple):
    """A search: seconds of the processor, its trials and the score of the best."""

    seconds: float
    outcomes: Mapping[int, Outcome]
    best: float


def synthetic() -> Data:
    """Return a regression with interactions and noise."""
    random = np.random.default_rng(0)
    X = random.standard_normal((ROWS, COLUMNS))
    hidden = np.tanh(X @ random.standard_normal((COLUMNS, 30)) / 2)
    y = hidden @ random.standard_normal(30) + np.sin(2 * X[:, 0]) * X[:, 1] + random.standard_normal(ROWS)
    return Data(f"synthetic, {ROWS:,} x {COLUMNS}", "regression", X, y)


def tables(folder: Path | None) -> Iterator[Data]:
    """Yield the synthetic table, and the large sets of a folder."""
    yield synthetic()
    for data in load(folder, 10**9) if folder else ():
        if len(data.y) >= LARGE:
            yield data._replace(name=f"{data.name}, {len(data.y):,} x {data.X.shape[1]}")


def run(data: Data, method: str, share: float, seed: int) -> Run:
    """Search a table."""
    kind: Any = BPClassifier if data.task == "classification" else BPRegressor
    more = {} if data.task == "classification" else {"scale_target": True}
    model = make_pipeline(TablePreprocessor(), kind(max_iter=EPOCHS, **more))
    options = {"n_trials": TRIALS, "cv": FOLDS, "scoring": SCORINGS[data.task], "refit": False, "n_jobs": 1}
    search = BPSearchCV(model, method=method, subsample=share, random_state=seed, **options)
    started = time.process_time()
    search.fit(data.X, data.y)
    return Run(time.process_time() - started, search.result_.outcomes, search.best_score_)


def over_all(without: Run, having: Run) -> float:
    """Return the rank correlation over all configurations: on the sample, and on all rows."""
    both = [
        (having.outcomes[n].sample["score"], o.score)
        for n, o in without.outcomes.items()
        if o.healthy and having.outcomes[n].sample
    ]
    return float(spearmanr(*np.transpose(both))[0])


def rows(data: Data, seeds: int) -> Iterator[list[str]]:
    """Yield a row for each method."""
    for method in METHODS:
        pairs = [(run(data, method, 1, seed), run(data, method, SHARE, seed)) for seed in range(seeds)]
        found = [agreement(having.outcomes) for _, having in pairs]
        told = [f"{shared.correlation:.2f} ({'used' if shared.used else 'dropped'})" for shared in found if shared]
        all_of_them = [f"{over_all(*pair):.2f}" for pair in pairs] if method == "random" else ["-"]
        ended = [str(shared.stopped) for shared in found if shared]
        before, after = (statistics.mean(each.seconds for each in some) for some in zip(*pairs, strict=True))
        better = [f"{(having.best / without.best - 1) * 100:+.2f} %" for without, having in pairs]
        row = [data.name, method, ", ".join(told), ", ".join(all_of_them), ", ".join(ended)]
        yield [*row, f"{before:.0f}", f"{after:.0f}", f"{after / before:.2f}", ", ".join(better)]


HEAD = (
    "table",
    "method",
    "rank correlation in the search",
    "over all",
    "ended on the sample",
    "without, s",
    "with, s",
    "ratio",
    "error of the best",
)


def main() -> None:
    command = parser("benchmarks.subsample", __doc__)
    command.add_argument("--data", type=Path, help="folder of data sets; by default the synthetic table alone")
    command.add_argument("--seeds", type=int, default=2, help="searches of each kind (%(default)s)")
    chosen, found = command.parse_args(), []
    with threadpool_limits(1, user_api="blas"):
        for data in tables(chosen.data):
            for row in rows(data, chosen.seeds):
                say(*row)
                found.append(row)
    note = (
        f"{TRIALS} trials, {FOLDS} folds, {EPOCHS} epochs, {chosen.seeds} seeds, one job. Seconds of the processor are means "
        "over the seeds, other figures are those of each seed; the last one is how much larger the error of the best trial is. "
        "`random` is without early stopping, `bayesian` with it (`prune`), as by default."
    )
    publish(str(Table(HEAD, found, note)), "subsample", chosen.markdown)


if __name__ == "__main__":
    main()
