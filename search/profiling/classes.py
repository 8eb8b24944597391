"""How many rows each class has, and what that asks of the score and of the folds."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from search import classes
from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Change, Finding
from search.profiling.naming import share, shown
from search.tables.reading import number

MOST_TOLD, FEWEST_FOLDS = 5, 3


def rare_classes(e: Evidence) -> Iterator[Finding]:
    """Find a class with less than `RARE` of an even share of the rows: accuracy rewards a model that never predicts it.

    Average precision asks how well the positive class is found, so it is proposed where the rare one of two is affirmative, such
    as yes, true or 1. Elsewhere it is balanced accuracy, the mean share of each class that is found, with
    balanced class weights: on six generated sets with 1.6 to 5 % of rare rows they raised it by 0.13 to 0.19. Average precision
    rose on three of four sets, by 0.04 in the mean: there they are a comment.
    """
    counts = _counts(e)
    n = len(e.y)
    if len(counts) < 2 or counts.iloc[-1] >= limits.RARE * n / len(counts):
        return
    told = [f"{shown(label)}: {number(int(count), 'row')} ({share(int(count), n)})" for label, count in counts.items()]
    if len(told) > MOST_TOLD:
        told = [*told[:2], f"{len(told) - 4} others", *told[-2:]]
    positive = len(counts) == 2 and _is_affirmative(counts.index)
    scoring = "average_precision" if positive else "balanced_accuracy"
    changes = [Change("cv", "scoring", scoring)]
    changes.append(Change("model", "class_weight", "balanced", active=not positive))
    most = share(int(counts.iloc[0]), n)
    sentence = f"a class is rare: {', '.join(told)}; accuracy is {most} without finding it, so the score is {scoring}"
    yield Finding("rare_class", (), sentence, "a class is rare", tuple(changes))


def small_classes(e: Evidence) -> Iterator[Finding]:
    """Find classes with fewer rows than there are folds; there are fewer folds then, but at least `FEWEST_FOLDS`.

    A class that is missing in some folds costs less than training on half of the rows. The largest must be in every fold.
    """
    counts = _counts(e)
    small = counts[counts < e.n_splits]
    if not len(small):
        return
    count, label, fewest = len(small), shown(small.index[-1]), int(small.iloc[-1])
    who = (
        f"class {label} has {number(fewest, 'row')}"
        if count == 1
        else f"{count} classes, such as {label}, have {fewest} or more rows"
    )
    sentence = f"{who}: fewer than there are folds ({e.n_splits})"
    if fewest < 2:
        sentence += "; a class with one row cannot be both learned and checked"
    n_splits = min(e.n_splits, int(counts.iloc[0]), max(fewest, FEWEST_FOLDS))
    changes = (Change("cv", "n_splits", n_splits),) if n_splits < e.n_splits else ()
    yield Finding("small_class", (), sentence, "a class has fewer rows than folds", changes)


def _counts(e: Evidence) -> pd.Series:
    """Return the rows of each class, the most frequent first; none for a regression. Levels without rows are no classes."""
    counts = e.y.value_counts() if e.task == "classification" else pd.Series(dtype=int)
    return counts[counts > 0]


def _is_affirmative(labels: pd.Index) -> bool:
    """Return whether the last of two classes is the positive one by its name, and not by its place in the alphabet."""
    last = classes.text(labels[-1]).casefold()
    return last in classes.AFFIRMATIVE and classes.positive(sorted(labels, key=str)) == labels[-1]
