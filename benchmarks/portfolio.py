"""The configurations that a search should begin with: chosen on all data sets but one, and judged on that one.

    python -m benchmarks.portfolio [--data FOLDER] [--rows 2000] [--results FILE] [--write] [--markdown FILE]

Candidates are points of the default space and ways to prepare numbers. Their learning rates and penalties exclude values with
which networks learn nothing. Each candidate is cross-validated as in a search, on every set of a folder or on those inside
scikit-learn (`benchmarks.sets`). Its regret on a set is its distance from the best candidate there, in units of the distance
of the median candidate, at most 1. A portfolio is chosen greedily: each next candidate is the one that most lowers the mean
over the sets of the least regret so far. It is compared with random points of the whole space, with which a search would
begin otherwise.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from threadpoolctl import threadpool_limits

from benchmarks.common import Table, parser, publish, remember, remembered, say
from benchmarks.sets import Data, load
from search import BPSearchCV
from search.samplers.designs import QuasiRandomSampler, RandomSampler
from search.space import spaces
from search.study.suggestions import SEARCHED
from search.trials.nesting import prefix
from search.trials.pipeline import PATHS, default_pipeline

Array = NDArray[np.float64]

FOLDS, REPEATS, ROWS = 3, 2, 2000
CANDIDATES, RANDOM = 192, 64
LENGTH = 6
SCORING = {"regression": "neg_root_mean_squared_error", "classification": "accuracy"}
SPACE = spaces.build({**spaces.default(), "numeric": SEARCHED})
"""What `bpsearch init` writes for a table with numbers."""

NARROWED = spaces.build({**SPACE, "learning_rate_init": (1e-3, 0.03, "log"), "alpha": (1e-4, 1.0, "log")})
RESULTS = Path("benchmarks") / "results" / "portfolio.jsonl"
LEFT_OUT = Path(__file__).parent / "left_out.json"
"""set -> the portfolio chosen without it, for benchmarks of the search on that set."""

ORDERS = 2000
"""Number of random orders of the random points."""


class Scores(NamedTuple):
    """Mean scores on one set: of the candidates, of the candidates without averaged weights, and of random points."""

    candidates: list[float]
    unaveraged: list[float]
    random: list[float]


def unseen(name: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of a search that begins with the portfolio chosen without this set, with parameters renamed.

    If no portfolio was chosen on the set, it is the shipped one.
    """
    left_out = json.loads(LEFT_OUT.read_text(encoding="utf-8")).get(name)
    points = [{names[key]: value for key, value in point.items()} for point in left_out or ()]
    return {"initial_points": points, "portfolio": left_out is None}


def candidates(count: int = CANDIDATES) -> list[dict[str, Any]]:
    """Return `count` candidates, their numbers rounded to two digits."""
    sampler = QuasiRandomSampler(NARROWED, 0)
    rounded = [sampler.ask(number) for number in range(count)]
    return [{n: float(f"{v:.2g}") if isinstance(v, float) else v for n, v in point.items()} for point in rounded]


def evaluate(data: Data, points: Sequence[dict[str, Any]], **model: Any) -> list[float]:
    """Cross-validate every point on a set; a diverged point gets the worst score of those that did not diverge."""
    pipeline = default_pipeline(data.task, model)
    own = prefix(pipeline)
    names = {name: PATHS.get(name, own + name) for name in SPACE}
    splitter = RepeatedStratifiedKFold if data.task == "classification" else RepeatedKFold
    search = BPSearchCV(
        pipeline,
        {names[name]: dimension for name, dimension in SPACE.items()},
        method="random",
        n_trials=len(points),
        initial_points=[{names[name]: value for name, value in point.items()} for point in points],
        cv=splitter(n_splits=FOLDS, n_repeats=REPEATS, random_state=0),
        scoring=SCORING[data.task],
        n_jobs=-1,
        refit=False,
        random_state=0,
    )
    found = search.fit(data.X, data.y).cv_results_["mean_test_score"]
    return np.where(np.isfinite(found), found, found[np.isfinite(found)].min()).tolist()


def at_random(count: int = RANDOM) -> list[dict[str, Any]]:
    """Return `count` random points of the whole space."""
    sampler = RandomSampler(SPACE, 0)
    return [sampler.ask(number) for number in range(count)]


def score(data: Data, points: Sequence[dict[str, Any]], random: Sequence[dict[str, Any]]) -> Scores:
    """Measure all scores of a set."""
    return Scores(evaluate(data, points), evaluate(data, points, ema_decay=0.0), evaluate(data, random))


def regrets(scores: Array, candidates: Array) -> Array:
    """Return how far scores are below the best candidate of their set, as a share of the median one's distance.

    Parameters
    ----------
    scores : ndarray of shape (sets, points)
    candidates : ndarray of shape (sets, candidates)
        Also scores.

    Examples
    --------
    >>> scores = np.array([[1.0, 2.0, 3.0, 3.5, 5.0]])
    >>> regrets(scores, scores)
    array([[1.  , 1.  , 1.  , 0.75, 0.  ]])
    """
    best, median = candidates.max(axis=1, keepdims=True), np.median(candidates, axis=1, keepdims=True)
    return np.clip((best - scores) / np.maximum(best - median, 1e-12), 0, 1)


def choose(regret: Array, length: int) -> list[int]:
    """Return the candidates that, one after the other, most lower the mean least regret of the sets.

    >>> choose(np.array([[0.0, 0.4, 0.9], [0.9, 0.4, 0.0]]), 2)
    [1, 0]
    """
    chosen: list[int] = []
    least = np.full(len(regret), np.inf)
    for _ in range(length):
        together = np.minimum(least[:, None], regret).mean(axis=0)
        together[chosen] = np.inf
        chosen.append(int(np.argmin(together)))
        least = np.minimum(least, regret[:, chosen[-1]])
    return chosen


def without_each(regret: Array, length: int) -> list[list[int]]:
    """Return, for each set, what is chosen on the other sets."""
    return [choose(np.delete(regret, row, axis=0), length) for row in range(len(regret))]


def in_any_order(regret: Array, length: int) -> Array:
    """Return the least regret of the first 1, 2, … points on each set, averaged over random orders; shape (sets, length)."""
    random = np.random.default_rng(0)
    orders = [random.permutation(regret.shape[1])[:length] for _ in range(ORDERS)]
    return np.mean([np.minimum.accumulate(regret[:, order], axis=1) for order in orders], axis=0)


def places(regret: Array, reached: Array) -> Array:
    """Return, for each set, the mean number of random points until one has at most the regret that was reached.

    >>> places(np.array([[0.5, 0.3, 0.7]]), np.array([0.5]))
    array([1.33333333])
    """
    return (regret.shape[1] + 1) / ((regret <= reached[:, None]).sum(axis=1) + 1)


class Judged(NamedTuple):
    """A portfolio chosen from some candidates, the ones chosen without each set, and their regrets of shape (sets, length)."""

    chosen: list[dict[str, Any]]
    left_out: list[list[dict[str, Any]]]
    regret: Array
    random_regret: Array
    of_random: Array
    """regret of each random point, shape (sets, points)"""


def judge(
    found: Sequence[Scores], points: list[dict[str, Any]], random: list[dict[str, Any]], ways: list[str]
) -> Judged:
    """Choose from the candidates that prepare numbers in one of these ways, and compare with random points that do so."""
    kept, others = ([i for i, point in enumerate(pool) if point["numeric"] in ways] for pool in (points, random))
    mine = [points[i] for i in kept]
    scores = np.array([each.candidates for each in found])[:, kept]
    regret = regrets(scores, scores)
    theirs = regrets(np.array([each.random for each in found])[:, others], scores)
    orders = without_each(regret, LENGTH)
    return Judged(
        [mine[place] for place in choose(regret, LENGTH)],
        [[mine[place] for place in order] for order in orders],
        np.array([np.minimum.accumulate(row[order]) for row, order in zip(regret, orders, strict=True)]),
        in_any_order(theirs, LENGTH),
        theirs,
    )


def table(judged: dict[str, Judged], names: Sequence[str], found: Sequence[Scores], note: str) -> Table:
    """Return the regret of the first 1, 2, … points of portfolios chosen on the other sets, and of random points."""
    rows = [
        [
            title,
            str(k + 1),
            f"{each.regret[:, k].mean():.2f}",
            f"{each.random_regret[:, k].mean():.2f}",
            f"{np.median(places(each.of_random, each.regret[:, k])):.0f}",
            f"{np.sum(each.regret[:, k] < each.random_regret[:, k])} of {len(names)}",
        ]
        for title, each in judged.items()
        for k in range(LENGTH)
    ]
    averaged, unaveraged = (np.array([each[i] for each in found]) for i in (0, 1))
    share, best = (averaged > unaveraged).mean(), (averaged.max(axis=1) > unaveraged.max(axis=1)).sum()
    averages = (
        f"With averaged weights (`ema_decay=0.98`) a configuration is better in {share:.0%} of all cases, and the best "
        f"configuration of a set is better on {best} of {len(names)} sets."
    )
    head = [
        "numbers prepared",
        "configurations",
        "regret",
        "regret of random points",
        "random points until as good",
        "better than random on",
    ]
    return Table(head, rows, f"{note} {averages} Sets: {', '.join(names)}.")


def main() -> None:
    command = parser("benchmarks.portfolio", __doc__)
    command.add_argument("--data", type=Path, help="folder of data sets; by default those inside scikit-learn")
    command.add_argument("--rows", type=int, default=ROWS, help="largest number of rows of a set (%(default)s)")
    command.add_argument("--results", type=Path, default=RESULTS, help="file of the scores so far (%(default)s)")
    command.add_argument(
        "--write", action="store_true", help=f"write the portfolios chosen without each set to {LEFT_OUT.name}"
    )
    chosen = command.parse_args()
    points, random = candidates(), at_random()
    sets = load(chosen.data, chosen.rows)
    known = {line.pop("set"): Scores(**line) for line in remembered(chosen.results)}
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")
        for data in sets:
            if data.name not in known:
                known[data.name] = score(data, points, random)
                remember(chosen.results, {"set": data.name, **known[data.name]._asdict()})
                say(data.name, f"best {max(known[data.name].candidates):.4g}")
    names = [data.name for data in sets]
    found = [known[name] for name in names]
    judged = {" or ".join(ways): judge(found, points, random, ways) for ways in (SEARCHED, SEARCHED[:1])}
    for title, each in judged.items():
        print(f"\n{title}:", *each.chosen, sep="\n")
    note = f"Mean regrets; {len(points)} candidates, {FOLDS} folds, {REPEATS} repeats, at most {chosen.rows} rows."
    text = str(table(judged, names, found, note))
    publish(text, "portfolio", chosen.markdown)
    if chosen.write:
        both = next(iter(judged.values()))
        lines = (f"{json.dumps(name)}: {json.dumps(order)}" for name, order in zip(names, both.left_out, strict=True))
        LEFT_OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
