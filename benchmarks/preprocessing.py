"""How much each way to prepare columns helps a network.

    python -m benchmarks.preprocessing [--data FOLDER] [--rows 4000] [--jobs 2] [--markdown FILE]

A few networks are cross-validated, as in a search, on every set of a folder or on those inside scikit-learn
(`benchmarks.sets`), with each option of the preprocessing. All options have the same folds, seeds and networks. The error of
an option on a set is that of its best network: the RMSE or the log loss at the number of epochs with the best mean score over
the folds.
"""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import rankdata
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from benchmarks.common import Table, main_over_sets, say
from benchmarks.sets import Data, load
from search.cv.folds import from_splitter
from search.trials.evaluation import evaluate
from search.trials.pipeline import PATHS, default_pipeline
from search.trials.problem import Problem, Trial

FOLDS = 3
ROWS = 4000
SCORERS = {"regression": "neg_root_mean_squared_error", "classification": "neg_log_loss"}
NETWORKS = [
    {"activation": activation, "learning_rate_init": rate, "dropout": dropout}
    for activation, dropout, rate in itertools.product(["relu", "tanh"], [0.0, 0.1], [0.001, 0.005])
]
SHARED = {"hidden_layer_sizes": [128, 64], "max_iter": 60, "batch_size": 64, "n_iter_no_change": 60, "ema_decay": 0.0}
OPTIONS: dict[str, dict[str, Any]] = {
    "standard": {},
    "robust": {"numeric": "robust"},
    "quantile": {"numeric": "quantile"},
    "piecewise, 8 bins": {"numeric": "piecewise", "n_bins": 8},
    "piecewise, 16 bins": {"numeric": "piecewise", "n_bins": 16},
    "piecewise, 48 bins": {"numeric": "piecewise", "n_bins": 48},
    "ordinal": {"categorical": "ordinal"},
    "without indicators": {"missing_indicator": False},
}
"""column of the table -> its changes of the default preprocessing; the first column is the default."""


def changes(data: Data, option: dict[str, Any]) -> bool:
    """Return whether an option can make a difference on a set."""
    numbers = data.X.select_dtypes("number")
    if "categorical" in option:
        return numbers.shape[1] < data.X.shape[1]
    if "missing_indicator" in option:
        return bool(numbers.isna().any(axis=None))
    return True


def error(problem: Problem, number: int, params: dict[str, Any]) -> float:
    """Return the cross-validated error of one network; infinite if it diverges."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = evaluate(problem, Trial(number, params))
    return -outcome.score if outcome.verdict == "ok" else np.inf


def errors(data: Data, jobs: int) -> list[float]:
    """Return the error of each option on a set, in the order of `OPTIONS`; NaN where the option changes nothing."""
    cv = (StratifiedKFold if data.task == "classification" else KFold)(FOLDS, shuffle=True, random_state=0)
    pipeline = default_pipeline(data.task, SHARED)
    folds = from_splitter(cv, data.X, data.y)
    scorer = get_scorer(SCORERS[data.task])
    problem = Problem(pipeline, data.X, data.y, folds, scorer, 0, f"{pipeline.steps[-1][0]}__", PATHS)
    options = [option for option in OPTIONS.values() if changes(data, option)]
    trials = [(n, {**network, **option}) for option in options for n, network in enumerate(NETWORKS)]
    found = Parallel(jobs, prefer="threads")(delayed(error)(problem, *trial) for trial in trials)
    best = iter(np.reshape(found, (len(options), -1)).min(axis=1))
    return [float(next(best)) if option in options else np.nan for option in OPTIONS.values()]


def measure(data: Path | None = None, rows: int = ROWS, jobs: int = 2) -> Table:
    """Compare the options of the preprocessing by cross-validation."""
    lines: list[list[str]] = []
    relative, ranks = [], []
    for each in load(data, rows):
        values = np.array(errors(each, jobs))
        relative.append(values / values[0])
        ranks.append(rankdata(np.round(values, 6), nan_policy="omit"))
        cells = [f"{values[0]:.4g}", *("" if np.isnan(r) else f"{r:.3f}" for r in relative[-1][1:])]
        lines.append([f"{each.name} ({len(each.y)} x {each.X.shape[1]})", *cells])
        say(*lines[-1])
    lines.append(["geometric mean", "1", *(f"{x:.3f}" for x in np.exp(np.nanmean(np.log(relative), axis=0))[1:])])
    numeric = [i for i, option in enumerate(OPTIONS.values()) if not option or "numeric" in option]
    means = dict(zip(numeric, np.mean([rankdata(r[numeric]) for r in ranks], axis=0), strict=True))
    lines.append(
        ["mean rank of the numeric ones", *(f"{means[i]:.2f}" if i in means else "" for i in range(len(OPTIONS)))]
    )
    return Table(
        ["set", *OPTIONS],
        lines,
        f"First column: the error of the default preprocessing, which is the RMSE or log loss of the best of {len(NETWORKS)} "
        f"networks by {FOLDS}-fold cross-validation. Other columns: their error divided by it; below 1 is better. Empty where "
        "an option changes nothing.",
    )


if __name__ == "__main__":
    main_over_sets("preprocessing", measure, ROWS)
