"""Rules that tell the trials that diverged from the others.

A rule is one condition, or two on different parameters: a threshold on a number, or a set of choices. All are tried. Its score is
the log Bayes factor of two rates of divergence, one inside the rule and one outside, against one rate for all trials (each rate
uniform between 0 and 1), less the logarithm of the number of rules of its size that were tried:

    score = log B(d + 1, n - d + 1) + log B(D - d + 1, N - n - D + d + 1) - log B(D + 1, N - D + 1) - log(rules tried)

for n of N trials inside, d of D diverged ones. A rule found by chance among many therefore says nothing: labels without a rule
behind them reach a score of log k in about one study of k (Markov's inequality). The samplers of a search do not draw
independently, so this is a guide, not a test.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from search.space.dimensions import Choice, Quantile, Range, label
from search.space.interface import Axis

LEAST_DIVERGED = 4
"""Diverged trials below which no rule is looked for."""

EVIDENCE = math.log(20)
"""Least score of a rule, and least gain in score by a second condition. Of 3600 studies (20, 40, 60
and 150 trials in five dimensions, of which 10, 30 or 60 percent diverged at random) none got a rule; of 1200 with one true
condition, and 8 percent of trials against it, none got a second one."""

SEPARATION = 0.5
"""Least correlation (Matthews) between fulfilling the rule and diverging: a rule can be certain and still be of no use."""

ALL_SUBSETS = 4
"""Up to so many choices every set of them is tried; of more only single ones, and all but one."""


@dataclass(frozen=True)
class Condition:
    """What a parameter's value may be: above or below a number, or one of several choices."""

    name: str
    kind: str
    """``above``, ``below`` (a number, not included) or ``among`` (texts of choices)"""
    bound: Any

    def __str__(self) -> str:
        if self.kind == "among":
            return f"{self.name} = {' or '.join(self.bound)}"
        return f"{self.name} {'>' if self.kind == 'above' else '<'} {self.bound}"

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Say whether the condition holds; it does not where the parameter is missing."""
        if self.name not in params:
            return False
        value = params[self.name]
        if self.kind == "among":
            return label(value) in self.bound
        if not _is_number(value):
            return False
        return bool(value > self.bound) if self.kind == "above" else bool(value < self.bound)


Conditions = tuple[Condition, ...]
"""A rule: all of them must hold."""


def all_hold(rule: Conditions, params: Mapping[str, Any]) -> bool:
    """Say whether all conditions of a rule hold."""
    return all(condition.holds(params) for condition in rule)


class Group(NamedTuple):
    """The conditions on one parameter.

    Attributes
    ----------
    conditions : list of Condition
        Those that can be best.
    masks : ndarray of bool, shape (n_conditions, n_trials)
        The trials that each of these holds for.
    tried : int
        How many conditions there are in all.
    """

    conditions: list[Condition]
    masks: NDArray[np.bool_]
    tried: int


def find_rule(
    params: Sequence[Mapping[str, Any]], diverged: NDArray[np.bool_], dimensions: Mapping[str, Axis]
) -> Conditions:
    """Return the rule that best tells diverged from other trials; an empty one if none does so well.

    Parameters
    ----------
    params : sequence of dict
    diverged : ndarray of bool, shape (n_trials,)
    dimensions : dict of str to Choice, Range or Quantile
    """
    if diverged.sum() < LEAST_DIVERGED or diverged.all():
        return ()
    groups = [_group(name, d, params, diverged) for name, d in dimensions.items()]
    value, best = _best_single(groups, diverged)
    two, pair = _best_pair(groups, diverged)
    if two - max(value, 0.0) >= EVIDENCE:
        value, best = two, pair
    if value < EVIDENCE or np.corrcoef([all_hold(best, p) for p in params], diverged)[0, 1] < SEPARATION:
        return ()
    # one after the other, so that together they hold for the same trials as before
    for i, condition in enumerate(best):
        within = [p for p in params if all_hold(best[:i] + best[i + 1 :], p)]
        best = (*best[:i], _centred(condition, within, dimensions[condition.name]), *best[i + 1 :])
    return best


def _best_single(groups: Sequence[Group], diverged: NDArray[np.bool_]) -> tuple[float, Conditions]:
    tried = sum(group.tried for group in groups)
    value, best = -math.inf, Conditions()
    for conditions, masks, _ in groups:
        if conditions:
            scores = log_bayes_factor(masks.sum(axis=1), masks[:, diverged].sum(axis=1), diverged) - math.log(tried)
            i = int(scores.argmax())
            if scores[i] > value:
                value, best = float(scores[i]), (conditions[i],)
    return value, best


def _best_pair(groups: Sequence[Group], diverged: NDArray[np.bool_]) -> tuple[float, Conditions]:
    tried = sum(first.tried * second.tried for first, second in itertools.combinations(groups, 2))
    value, best = -math.inf, Conditions()
    for first, second in itertools.combinations(groups, 2):
        if first.conditions and second.conditions:
            a, b = first.masks.astype(np.float32), second.masks.astype(np.float32)
            inside, hits = a @ b.T, a[:, diverged] @ b[:, diverged].T  # exact, they count
            scores = log_bayes_factor(inside.astype(int), hits.astype(int), diverged) - math.log(tried)
            i, j = (int(k) for k in np.unravel_index(scores.argmax(), scores.shape))
            if scores[i, j] > value:
                value, best = float(scores[i, j]), (first.conditions[i], second.conditions[j])
    return value, best


def log_bayes_factor(
    inside: NDArray[np.integer], hits: NDArray[np.integer], diverged: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the log Bayes factor of rules; -inf where no more diverge inside than outside.

    Parameters
    ----------
    inside, hits : ndarray of int
        Trials that each rule holds for, and diverged ones among them.
    """
    n, bad = len(diverged), int(diverged.sum())
    log_factorial = gammaln(np.arange(n + 2) + 1.0)

    def log_beta(d: Any, o: Any) -> Any:
        return log_factorial[d] + log_factorial[o] - log_factorial[d + o + 1]

    outside = log_beta(bad - hits, n - inside - bad + hits)
    gain = log_beta(hits, inside - hits) + outside - log_beta(bad, n - bad)
    return np.where(hits * n > inside * bad, gain, -np.inf)


def _group(name: str, dimension: Axis, params: Sequence[Mapping[str, Any]], diverged: NDArray[np.bool_]) -> Group:
    conditions, tried = SEARCHES[type(dimension)].conditions(name, dimension, params, diverged)
    masks = np.array([[c.holds(p) for p in params] for c in conditions], dtype=bool)
    return Group(conditions, masks, tried)


def _choices(
    name: str, dimension: Choice, params: Sequence[Mapping[str, Any]], diverged: NDArray[np.bool_]
) -> tuple[list[Condition], int]:
    """Return the sets of choices: of numbers those above or below another, of others every set if they are few."""
    texts = dimension.labels
    if all(_is_number(v) for v in dimension.values):
        texts = tuple(label(v) for v in sorted(dimension.values))
        sets = [part for i in range(1, len(texts)) for part in (texts[:i], texts[i:])]
    elif len(texts) <= ALL_SUBSETS:
        sets = [part for size in range(1, len(texts)) for part in itertools.combinations(texts, size)]
    else:
        sets = [(text,) for text in texts] + [texts[:i] + texts[i + 1 :] for i in range(len(texts))]
    return [Condition(name, "among", part) for part in sets], len(sets)


def _thresholds(
    name: str, dimension: Axis, params: Sequence[Mapping[str, Any]], diverged: NDArray[np.bool_]
) -> tuple[list[Condition], int]:
    """Return the thresholds between a diverged and another trial: moving any other makes a rule better, never worse."""
    seen: dict[float, set[bool]] = {}
    for p, bad in zip(params, diverged, strict=True):
        if _is_number(p.get(name)):
            seen.setdefault(p[name], set()).add(bool(bad))
    values = sorted(seen)
    conditions = []
    for low, high in itertools.pairwise(values):
        if False in seen[low] and True in seen[high]:
            conditions.append(Condition(name, "above", low))
        if True in seen[low] and False in seen[high]:
            conditions.append(Condition(name, "below", high))
    return conditions, 2 * max(len(values) - 1, 0)


def _centred(condition: Condition, params: Sequence[Mapping[str, Any]], dimension: Axis) -> Condition:
    """Move a threshold to a round number midway between the trials it parts."""
    if condition.kind == "among":
        return condition
    inside = [p[condition.name] for p in params if condition.holds(p)]
    outside = [p[condition.name] for p in params if _is_number(p.get(condition.name)) and not condition.holds(p)]
    near, far = (max(outside), min(inside)) if condition.kind == "above" else (min(outside), max(inside))
    return replace(condition, bound=between(near, far, **SEARCHES[type(dimension)].rounding(dimension)))


def between(near: float, far: float, *, log: bool = False, whole: bool = False) -> float:
    """Return a number of few digits about midway from `near`, which it may be, to `far`, which it may not be.

    >>> between(0.2873, 0.3405), between(0.01, 1.0, log=True), between(16, 17, whole=True)
    (0.3, 0.1, 16)
    """
    middle = math.sqrt(near * far) if log else (near + far) / 2
    for digits in range(1, 18):
        rounded = float(f"{middle:.{digits}g}")
        if whole:
            rounded = round(rounded)
        if min(near, far) <= rounded <= max(near, far) and rounded != far:
            return rounded
    return int(near) if whole else float(near)


class Search(NamedTuple):
    """How conditions on an axis are found.

    Attributes
    ----------
    conditions : callable
        From name, axis, configurations and which of them diverged to the conditions that can be best, and the number of all.
    rounding : callable
        From an axis to the keywords with which `between` rounds a threshold.
    """

    conditions: Callable[..., tuple[list[Condition], int]]
    rounding: Callable[[Any], dict[str, bool]] = lambda d: {}


SEARCHES: dict[type[Axis], Search] = {
    Choice: Search(_choices),
    Range: Search(_thresholds, lambda d: {"log": d.log, "whole": d.integer}),
    Quantile: Search(_thresholds),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
