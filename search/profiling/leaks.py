"""Columns that give the target away: what is known only once the target is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from search.profiling import formulas, limits, task
from search.profiling.evidence import Evidence
from search.profiling.finding import Finding, drop
from search.profiling.naming import shown

FOLDS = 3
QUESTION = "is it known when the prediction is made?"


def leaks(e: Evidence) -> Iterator[Finding]:
    """Find columns that give the target away, one each; they are named in a comment, for the user to decide.

    They are a linear image of the target, order the rows as the target does, are filled only where a class occurs, or predict
    the target nearly perfectly: a decision tree that sees nothing else, trained on two thirds of a sample of up to `SAMPLE` rows,
    has R^2 or balanced accuracy of at least `LEAK_SCORE` on the rest. Dates are judged by whether they are filled alone, because
    neighbors in time are alike.
    """
    e = _sampled(e)
    if len(e.y) < limits.FEWEST_ROWS or np.unique(e.target).size < 2:
        return
    for name in e.X.columns:
        for tell in SIGNS[e.task]:
            if how := tell(e, name):
                sentence = f"{shown(name)} may give the target away: {how}; {QUESTION}"
                yield Finding("leak", (name,), sentence, "gives the target away?", drop(name, active=False))
                break


def suspects(X: pd.DataFrame, kinds: Mapping[str, str], y: pd.Series) -> tuple[tuple[str, ...], ...]:
    """Return the columns that give the target away: each alone as a tuple of one name, several together as a tuple of theirs.

    Parameters
    ----------
    X : DataFrame of shape (n, columns)
        Columns of the types that their kinds ask for.
    kinds : mapping from str to str
        The kind of each column: number, truth, date, duration, category or text.
    y : Series of shape (n,)

    Examples
    --------
    >>> price = pd.Series(np.random.default_rng(0).normal(size=50))
    >>> X = pd.DataFrame({"noise": price.iloc[::-1].to_numpy(), "in cents": 100 * price})
    >>> suspects(X, {"noise": "number", "in cents": "number"}, price)
    (('in cents',),)
    """
    numeric = pd.api.types.is_numeric_dtype(y) and not pd.api.types.is_bool_dtype(y)
    e = Evidence.of(X, kinds, y, task.of_numbers(y)[0] if numeric else "classification")
    alone = [finding.columns for finding in leaks(e)]
    together = formulas.formulas(e.without([*chain.from_iterable(alone)]))
    return (*alone, *(finding.columns for finding in together))


def _sampled(e: Evidence) -> Evidence:
    rows = e.rows
    if e.task == "classification":  # a class that is too small for the folds is no use
        classes, counts = np.unique(e.target[rows], return_counts=True)
        rows = rows[np.isin(e.target[rows], classes[counts >= FOLDS])]
    return e.take(rows)


def _image(e: Evidence, name: str) -> str:
    """Tell whether a column is the target in another unit, or on another scale."""
    filled = e.numbers[name].notna().to_numpy()
    x, y = e.numbers[name].to_numpy()[filled], e.target[filled]
    if e.kinds[name] in ("date", "category", "text") or filled.sum() < limits.FEWEST_ROWS:
        return ""
    if len(np.unique(x)) < 3 or len(np.unique(y)) < 3:
        return ""
    if (x == y).all():
        return "it equals the target"
    if _correlation(x, y) > limits.SAME:
        return "it is a linear function of the target"
    return "it orders the rows as the target does" if _correlation(rankdata(x), rankdata(y)) > limits.SAME else ""


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(abs(np.corrcoef(x, y)[0, 1])) if x.std() > 0 and y.std() > 0 else 0.0


def _filled(e: Evidence, name: str) -> str:
    """Tell whether a column is filled, or missing, in the rows of one class only."""
    missing = e.numbers[name].isna().to_numpy()
    for rows, word in ((~missing, "filled"), (missing, "missing")):
        inside = e.target[rows]
        if not 0 < len(inside) < len(missing):
            continue
        classes, counts = np.unique(inside, return_counts=True)
        most = counts.argmax()
        overall = float((e.target == classes[most]).mean())
        pure = counts[most] / len(inside) >= limits.PURE
        if pure and overall <= limits.COMMON and overall ** len(inside) < limits.CHANCE:
            return f"it is {word} only where the target is {shown(_label(e, classes[most]))}"
    return ""


def _label(e: Evidence, code: float) -> object:
    return e.y[e.target == code].iloc[0]


def _alone(e: Evidence, name: str) -> str:
    """Tell whether a decision tree predicts held-out rows nearly perfectly from one column."""
    if e.kinds[name] == "date" or not e.distinct[name]:
        return ""
    tree, folds, score, what = TREES[e.task]
    x = e.numbers[name].to_numpy()[:, None]
    x = x - np.nanmedian(x)  # trees see float32, in which times in seconds, say, are equal
    x = x / (np.nanmax(np.abs(x)) or 1.0)  # and others infinite, or 0
    predicted = np.empty(len(x))
    for train, held_out in folds.split(x, e.target):
        predicted[held_out] = tree(random_state=0).fit(x[train], e.target[train]).predict(x[held_out])
        if score(e.target[held_out], predicted[held_out]) < limits.HOPELESS:
            return ""
    value = score(e.target, predicted)
    return f"alone it predicts rows that were held out with {what} {value:.3f}" if value >= limits.LEAK_SCORE else ""


TREES = {
    "regression": (DecisionTreeRegressor, KFold(FOLDS, shuffle=True, random_state=0), r2_score, "R^2"),
    "classification": (
        DecisionTreeClassifier,
        StratifiedKFold(FOLDS, shuffle=True, random_state=0),
        balanced_accuracy_score,
        "balanced accuracy",
    ),
}
SIGNS: dict[str, tuple[Callable[[Evidence, str], str], ...]] = {
    "regression": (_image, _alone),
    "classification": (_filled, _alone),
}
"""For each task, what tells that a column gives the target away: functions that return how, or an empty text."""
