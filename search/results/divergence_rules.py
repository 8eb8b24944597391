"""Rules that separate diverged trials from the others.

A rule is one condition, or two on different parameters: a threshold on a number, or a set of choices. All rules are
tried. The score of a rule is a log Bayes factor, with a correction for multiple rules. The factor compares two
divergence rates, one inside the rule and one outside, with a single rate for all trials (each rate uniform between 0
and 1). The correction subtracts the logarithm of the number of rules of this size that were tried:

    score = log B(d + 1, n - d + 1) + log B(D - d + 1, N - n - D + d + 1) - log B(D + 1, N - D + 1) - log(rules tried)

for n of N trials inside, d of D diverged ones. The correction keeps chance findings rare: if no rule is true, the best
score reaches log k in about one study of k (Markov's inequality). The samplers of a search do not draw independently,
so this is a guide, not a test.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from search.domains import is_number
from search.space.dimensions import Choice, Draws, Quantile, Range, label
from search.space.interface import Axis

LEAST_DIVERGED = 4
"""Minimum number of diverged trials for a search for rules."""

EVIDENCE = math.log(20)
"""Minimum score of a rule, and minimum gain in score by a second condition. In 3600 simulated studies (20, 40, 60 and
150 trials in five dimensions, of which 10, 30 or 60 percent diverged at random) no rule was found. In 1200 studies with
one true condition, and 8 percent of trials against it, no second condition was found."""

SEPARATION = 0.5
"""Minimum Matthews correlation between the rule and divergence: a rule can be certain but useless."""

ALL_SUBSETS = 4
"""Maximum number of choices for which every subset is tried; above it, only single choices, and all but one."""

ALL_CHOICES = 100
"""Maximum number of choices whose every place is tried; above it, only the places of choices that a trial has: a set
of choices is as long as the list, and there is one for each place."""

MOST_TRIALS = 1000
"""Trials in which rules are looked for, at most half of them diverged and half of them others; the time grows with the
square of the number. Longer studies are sampled, with a fixed seed. What is told of a rule counts all trials."""

MOST_PAIRED = 30
"""Axes that are paired: those whose best conditions alone have the highest scores. A space may have 2,000."""


@dataclass(frozen=True)
class Condition:
    """A condition on a parameter's value: above or below a number, or one of several choices."""

    name: str
    kind: str
    """``above``, ``below`` (a number, excluded) or ``among`` (labels of choices)"""
    bound: Any

    def __str__(self) -> str:
        if self.kind == "among":
            return f"{self.name} = {' or '.join(self.bound)}"
        return f"{self.name} {'>' if self.kind == 'above' else '<'} {self.bound}"

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Return whether the condition holds; False if the parameter is missing."""
        if self.name not in params:
            return False
        value = params[self.name]
        if self.kind == "among":
            return label(value) in self._labels
        if not is_number(value):
            return False
        return bool(value > self.bound) if self.kind == "above" else bool(value < self.bound)

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(self.bound)


Conditions = tuple[Condition, ...]
"""A rule: all conditions must hold."""


def all_hold(rule: Conditions, params: Mapping[str, Any]) -> bool:
    """Return whether all conditions of a rule hold."""
    return all(condition.holds(params) for condition in rule)


class Group(NamedTuple):
    """The conditions on one parameter.

    Attributes
    ----------
    conditions : list of Condition
        Candidates for the best condition.
    masks : ndarray of bool, shape (n_conditions, n_trials)
        The trials for which each of these holds.
    tried : int
        Number of all possible conditions.
    """

    conditions: list[Condition]
    masks: NDArray[np.bool_]
    tried: int


def find_rule(
    params: Sequence[Mapping[str, Any]], diverged: NDArray[np.bool_], dimensions: Mapping[str, Axis]
) -> Conditions:
    """Return the rule that best separates diverged from other trials; empty if none is good enough.

    Parameters
    ----------
    params : sequence of dict
    diverged : ndarray of bool, shape (n_trials,)
    dimensions : dict of str to Choice, Range or Quantile
    """
    if diverged.sum() < LEAST_DIVERGED or diverged.all():
        return ()
    seen = _sample(diverged)
    sample, bad = [params[i] for i in seen], diverged[seen]
    groups = [_group(name, d, sample, bad) for name, d in dimensions.items()]
    value, best = _best_single(groups, bad)
    two, pair = _best_pair(groups, bad)
    if two - max(value, 0.0) >= EVIDENCE:
        value, best = two, pair
    if value < EVIDENCE or np.corrcoef([all_hold(best, p) for p in params], diverged)[0, 1] < SEPARATION:
        return ()
    # one after the other, so that together they still hold for the same trials
    for i, condition in enumerate(best):
        within = [p for p in sample if all_hold(best[:i] + best[i + 1 :], p)]
        best = (*best[:i], _centered(condition, within, dimensions[condition.name]), *best[i + 1 :])
    return best


def _sample(diverged: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the indices of the trials in which rules are looked for, in their order."""
    if len(diverged) <= MOST_TRIALS:
        return np.arange(len(diverged))
    random = np.random.default_rng(0)
    sides = (random.permutation(np.flatnonzero(side))[: MOST_TRIALS // 2] for side in (diverged, ~diverged))
    return np.sort(np.concatenate([*sides]))


def _best_single(groups: Sequence[Group], diverged: NDArray[np.bool_]) -> tuple[float, Conditions]:
    tried = sum(group.tried for group in groups)
    value, best = -math.inf, Conditions()
    for group in groups:
        if group.conditions:
            scores = _scores(group, diverged) - math.log(tried)
            i = int(scores.argmax())
            if scores[i] > value:
                value, best = float(scores[i]), (group.conditions[i],)
    return value, best


def _scores(group: Group, diverged: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log Bayes factor of each condition alone."""
    return log_bayes_factor(group.masks.sum(axis=1), group.masks[:, diverged].sum(axis=1), diverged)


def _paired(groups: Sequence[Group], diverged: NDArray[np.bool_]) -> list[Group]:
    """Return the groups that are paired, in their order."""
    found = [group for group in groups if group.conditions]
    if len(found) <= MOST_PAIRED:
        return found
    best = np.array([_scores(group, diverged).max() for group in found])
    return [found[i] for i in np.sort(np.argsort(-best, kind="stable")[:MOST_PAIRED])]


def _best_pair(groups: Sequence[Group], diverged: NDArray[np.bool_]) -> tuple[float, Conditions]:
    tried = (sum(group.tried for group in groups) ** 2 - sum(group.tried**2 for group in groups)) // 2
    value, best = -math.inf, Conditions()
    for first, second in itertools.combinations(_paired(groups, diverged), 2):
        a, b = first.masks.astype(np.float32), second.masks.astype(np.float32)
        inside, hits = a @ b.T, a[:, diverged] @ b[:, diverged].T  # exact: these are counts
        scores = log_bayes_factor(inside.astype(int), hits.astype(int), diverged) - math.log(tried)
        i, j = (int(k) for k in np.unravel_index(scores.argmax(), scores.shape))
        if scores[i, j] > value:
            value, best = float(scores[i, j]), (first.conditions[i], second.conditions[j])
    return value, best


def log_bayes_factor(
    inside: NDArray[np.integer], hits: NDArray[np.integer], diverged: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the log Bayes factor of rules; -inf if the divergence rate is no higher inside than outside.

    Parameters
    ----------
    inside, hits : ndarray of int
        Number of trials for which each rule holds, and of diverged ones among them.
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
    return Group(conditions, _masks(name, conditions, params), tried)


def _masks(name: str, conditions: Sequence[Condition], params: Sequence[Mapping[str, Any]]) -> NDArray[np.bool_]:
    """Return what `Condition.holds` returns for each configuration: there are as many conditions as trials, or more."""
    given = [p.get(name) for p in params]
    numbers = np.array([value if is_number(value) else np.nan for value in given], dtype=np.float64)
    texts = [label(p[name]) if name in p else None for p in params]
    codes = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    places = np.array([codes[text] for text in texts], dtype=np.intp)
    masks = np.zeros((len(conditions), len(params)), dtype=bool)
    for mask, condition in zip(masks, conditions, strict=True):
        if condition.kind == "among":
            mask[:] = np.isin(places, [codes[text] for text in condition.bound if text in codes])
        else:
            mask[:] = numbers > condition.bound if condition.kind == "above" else numbers < condition.bound
    return masks


def _choices(
    name: str, dimension: Choice, params: Sequence[Mapping[str, Any]], diverged: NDArray[np.bool_]
) -> tuple[list[Condition], int]:
    """Return sets of choices: for numbers those above or below a value, otherwise every subset if they are few.

    Of many choices, only the sets at those that a trial has: the others hold for the same trials as one of these.
    """
    texts = dimension.labels
    if all(is_number(v) for v in dimension.values):
        texts = tuple(label(v) for v in sorted(dimension.values))
        cuts = [i + 1 for i in _places(name, texts, params) if i + 1 < len(texts)]
        sets, tried = [part for i in cuts for part in (texts[:i], texts[i:])], 2 * (len(texts) - 1)
    elif len(texts) <= ALL_SUBSETS:
        sets = [part for size in range(1, len(texts)) for part in itertools.combinations(texts, size)]
        tried = len(sets)
    else:
        places = _places(name, texts, params)
        sets, tried = [(texts[i],) for i in places] + [texts[:i] + texts[i + 1 :] for i in places], 2 * len(texts)
    return [Condition(name, "among", part) for part in sets], tried


def _places(name: str, texts: Sequence[str], params: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the places of choices that are tried: all, or of many those that a trial has."""
    if len(texts) <= ALL_CHOICES:
        return list(range(len(texts)))
    seen = {label(p[name]) for p in params if name in p}
    return [i for i, text in enumerate(texts) if text in seen]


def _thresholds(
    name: str, dimension: Axis, params: Sequence[Mapping[str, Any]], diverged: NDArray[np.bool_]
) -> tuple[list[Condition], int]:
    """Return the thresholds between a diverged and another trial.

    Moving any other one makes a rule better, never worse.
    """
    seen: dict[float, set[bool]] = {}
    for p, bad in zip(params, diverged, strict=True):
        if is_number(p.get(name)):
            seen.setdefault(p[name], set()).add(bool(bad))
    values = sorted(seen)
    conditions = []
    for low, high in itertools.pairwise(values):
        if False in seen[low] and True in seen[high]:
            conditions.append(Condition(name, "above", low))
        if True in seen[low] and False in seen[high]:
            conditions.append(Condition(name, "below", high))
    return conditions, 2 * max(len(values) - 1, 0)


def _centered(condition: Condition, params: Sequence[Mapping[str, Any]], dimension: Axis) -> Condition:
    """Move a threshold to a round number midway between the trials that it separates."""
    if condition.kind == "among":
        return condition
    inside = [p[condition.name] for p in params if condition.holds(p)]
    outside = [p[condition.name] for p in params if is_number(p.get(condition.name)) and not condition.holds(p)]
    near, far = (max(outside), min(inside)) if condition.kind == "above" else (min(outside), max(inside))
    return replace(condition, bound=between(near, far, **SEARCHES[type(dimension)].rounding(dimension)))


def between(near: float, far: float, *, log: bool = False, whole: bool = False) -> float:
    """Return a number with few digits about midway between `near` (included) and `far` (excluded).

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
    """How conditions on a kind of axis are found.

    Attributes
    ----------
    conditions : callable
        Maps name, axis, configurations and the mask of diverged ones to the candidate conditions and the number of all.
    rounding : callable
        Maps an axis to the keywords of `between` for rounding a threshold.
    """

    conditions: Callable[..., tuple[list[Condition], int]]
    rounding: Callable[[Any], dict[str, bool]] = lambda d: {}


SEARCHES: dict[type[Axis], Search] = {
    Choice: Search(_choices),
    Range: Search(_thresholds, lambda d: {"log": d.log, "whole": d.integer}),
    Quantile: Search(_thresholds),
    Draws: Search(lambda name, dimension, params, diverged: ([], 0)),
}
