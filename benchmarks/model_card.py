"""The defaults of BPRegressor and BPClassifier against the defaults of other models.

    python -m benchmarks.model_card [--data FOLDER] [--rows 20000] [--jobs 2] [--markdown FILE]

5-fold cross-validation on every set of a folder, or on those inside scikit-learn (`benchmarks.sets`). Larger sets are cut
down to `--rows` rows, drawn at random. All models have the same folds and seeds.

Two pipelines end in bpmodel's network:

- The default pipeline is that of a study: it takes raw columns and scales the target of a regression.
- The bare one is what people write by hand, ``make_pipeline(StandardScaler(), BPRegressor())``.

All other models get the columns as the default pipeline prepares them. So does a bare pipeline where there are text columns
or missing values. For a classification the default and the bare pipeline differ only in the columns.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.common import Table, main_over_sets, say
from benchmarks.sets import Data, load
from bpmodel import BPClassifier, BPRegressor
from bpmodel.preprocessing import TablePreprocessor
from search.trials.pipeline import default_pipeline

FOLDS = 5
ROWS = 20_000


class Model(NamedTuple):
    """One contender: for each task that it takes part in, a function from the columns to an estimator."""

    name: str
    regression: Callable[[pd.DataFrame], Any] | None
    classification: Callable[[pd.DataFrame], Any] | None


def _bare(X: pd.DataFrame, network: Any) -> Any:
    numbers = all(pd.api.types.is_numeric_dtype(X[c]) and X[c].notna().all() for c in X.columns)
    return make_pipeline(StandardScaler() if numbers else TablePreprocessor(), network)


def _prepared(model: Any) -> Callable[[pd.DataFrame], Any]:
    return lambda X: make_pipeline(TablePreprocessor(), model)


MODELS = (
    Model(
        "bpmodel, default pipeline",
        lambda X: default_pipeline("regression", {}),
        lambda X: default_pipeline("classification", {}),
    ),
    Model("bpmodel, bare", lambda X: _bare(X, BPRegressor()), lambda X: _bare(X, BPClassifier())),
    Model("MLP", _prepared(MLPRegressor()), _prepared(MLPClassifier())),
    Model(
        "MLP, target scaled",
        _prepared(TransformedTargetRegressor(MLPRegressor(), transformer=StandardScaler())),
        None,
    ),
    Model(
        "HistGradientBoosting", _prepared(HistGradientBoostingRegressor()), _prepared(HistGradientBoostingClassifier())
    ),
    Model("linear", _prepared(Ridge()), _prepared(LogisticRegression(max_iter=1000))),
)


class Result(NamedTuple):
    """`error` is the RMSE over the standard deviation of the target, or the log loss; `right` is R^2 or the accuracy."""

    error: float
    right: float
    seconds: float

    def __str__(self) -> str:
        return "-" if np.isnan(self.error) else f"{self.right:.3f} ({self.error:.3f}; {self.seconds:.2g} s)"


def evaluate(data: Data, number: int) -> Result:
    """Cross-validate a row of `MODELS` on one set; return means over the folds."""
    build = getattr(MODELS[number], data.task)
    if build is None:
        return Result(np.nan, np.nan, np.nan)
    classes = data.task == "classification"
    cv = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=0)
    estimator = build(data.X)
    seeds = {name: 0 for name in estimator.get_params() if name.endswith("random_state")}
    results = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for train, test in cv.split(data.X, data.y):
            started = time.perf_counter()
            fitted = clone(estimator).set_params(**seeds).fit(data.X.iloc[train], data.y[train])
            seconds = time.perf_counter() - started
            results.append(Result(*_score(fitted, data.X.iloc[test], data.y[test], classes), seconds))
    return Result(*np.mean(results, axis=0))


def _score(fitted: Any, X: pd.DataFrame, y: np.ndarray, classes: bool) -> tuple[float, float]:
    if classes:
        chances = fitted.predict_proba(X)
        return log_loss(y, chances, labels=fitted.classes_), accuracy_score(y, fitted.classes_[chances.argmax(axis=1)])
    error = root_mean_squared_error(y, fitted.predict(X)) / y.std()
    return error, 1 - error**2


def measure(data: Path | None = None, rows: int = ROWS, jobs: int = 2) -> Table:
    """Compare the defaults with other models' defaults by cross-validation."""
    lines: list[list[str]] = []
    errors: dict[str, list[list[float]]] = {}
    for each in load(data, rows):
        results = Parallel(n_jobs=jobs)(delayed(evaluate)(each, i) for i in range(len(MODELS)))
        lines.append([f"{each.name} ({len(each.y)} x {each.X.shape[1]})", *map(str, results)])
        say(*lines[-1])
        errors.setdefault(each.task, []).append([round(result.error, 6) for result in results])
    for task, values in errors.items():
        means = np.mean(rankdata(values, axis=1, nan_policy="omit"), axis=0)
        lines.append([f"mean rank, {task}", *("-" if np.isnan(mean) else f"{mean:.1f}" for mean in means)])
    return Table(
        ["set", *(m.name for m in MODELS)],
        lines,
        f"Means over {FOLDS} folds. Regression: R² (RMSE over the standard deviation of the target; seconds of a fit). "
        "Classification: accuracy (log loss; seconds of a fit). Ranks are by error: 1 is the best, ties share a rank. "
        f"One thread per fit, {jobs} fits at a time.",
    )


if __name__ == "__main__":
    main_over_sets("model_card", measure, ROWS)
