"""How the values of a target are distributed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Change, Finding
from search.profiling.naming import share, shown
from search.tables.reading import number


def missing_targets(e: Evidence) -> Iterator[Finding]:
    """Find rows without a target."""
    if e.unlabeled:
        n = e.unlabeled + len(e.y)
        told = f"{number(e.unlabeled, 'row')} ({share(e.unlabeled, n)}) without a target"
        sentence = f"{told} will be left out ([data] missing_target)"
        yield Finding("missing_target", (), sentence, f"{number(e.unlabeled, 'row')} without a target")


def skewed_target(e: Evidence) -> Iterator[Finding]:
    """Find a target of amounts whose largest values are far out on one side; its logarithm is proposed in a comment."""
    y = e.target
    if e.task != "regression" or len(np.unique(y)) <= limits.MAX_CLASSES or y.min() < 0:
        return
    skewness = float(e.y.astype(float).skew())
    if skewness > limits.SKEWNESS:
        told = f"the target is skewed (skewness {skewness:.1f})"
        sentence = f'{told}: target_transform = "log" may help where small and large values matter alike'
        yield Finding(
            *("skewed_target", (), sentence, 'the target is skewed; or search ["none", "log"]'),
            (Change("preprocessing", "target_transform", "log", active=False),),
        )


def outliers(e: Evidence) -> Iterator[Finding]:
    """Find values of a target that lie more than `FAR` interquartile ranges outside of the quartiles; propose a robust loss."""
    if e.task != "regression":
        return
    low, high = np.quantile(e.target, [0.25, 0.75])
    far = np.maximum(low - e.target, e.target - high) > limits.FAR * (high - low)
    if high > low and far.any():
        worst = float(e.target[np.abs(e.target - np.median(e.target)).argmax()])
        sentence = (
            f"{number(int(far.sum()), 'target value')} {'lies' if far.sum() == 1 else 'lie'} far out, such as {shown(worst)}: "
            'if that is a mistake, correct it; loss = "huber" cares less'
        )
        yield Finding(
            "outlier", (), sentence, "target values far out", (Change("model", "loss", "huber", active=False),)
        )


def zeros(e: Evidence) -> Iterator[Finding]:
    """Find a target that is often exactly zero."""
    none = int((e.target == 0).sum())
    if e.task == "regression" and len(np.unique(e.target)) > 2 and none >= limits.ZEROS * len(e.target):
        told = f"the target is 0 in {number(none, 'row')} ({share(none, len(e.target))})"
        sentence = f"{told}: whether it is 0 may be a question of its own"
        yield Finding("zeros", (), sentence, "the target is often 0")
