"""What to try next with a study: a table of rules, each of which looks at a result and has one piece of advice, or none.

What the winner is worth is in `judgment`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from search.formatting import metric, number
from search.results.advice import advice
from search.results.result import Result
from search.space.dimensions import Choice, Range
from search.space.interface import Axis
from search.trials.baselines import DUMMY
from search.trials.outcomes import OK, STOPPED, Outcome, level, order

EDGE = 0.1
"""Share of a range, in its own scale, that counts as its edge."""

NEAREST, AT_THE_EDGE = 5, 3
"""Of so many best trials, so many lie at an edge that is told: of one alone, it may be chance."""

LATE = 0.8
"""The best trial comes late if it comes after this share of all trials: in a search that has converged, 1 of 5 does."""

FEWEST = 10
"""Trials before anything is said about a late best one."""

TRIALS_OF_A_PARAMETER = 8
"""Scored trials for each searched parameter below which it cannot be told which of them matter."""

WHOLE = 0.95
"""A best epoch at this share of all epochs or later means that the network still learned when its fit ended."""

REPAIRED = 0.2
"""Share of the healthy trials that were repaired from which on the space is to be blamed."""

MANY_TRIALS = 20
"""Healthy trials from which on the best of them owes a part of its score to luck that is worth a number."""

SPREAD = 0.5
"""Standard deviation of the folds, as a share of the gain over the dummy predictor, from which on the folds say too little."""

AGAIN = "Set n_seeds = 3, so that the best few are trained again with other initial weights."
SIMPLEST = "Take the simplest of them, or repeat the folds."
"""What to do about trials that are equal: networks have initial weights, other estimators none that the search knows of."""

OPTIONS = {option.name: option for option in (*REGRESSOR_OPTIONS, *CLASSIFIER_OPTIONS)}


class Step(NamedTuple):
    """A piece of advice: what was seen, and what to do about it."""

    code: str
    seen: str
    do: str

    def __str__(self) -> str:
        return f"{self.seen} {self.do}"


Told = tuple[str, str]


def next_steps(result: Result) -> list[Step]:
    """Return what to try next, the most important first; empty if there is nothing to say.

    >>> from search.space.spaces import build
    >>> trial = Outcome(0, {}, "error", "no memory", [], 0, {}, {}, 0.0)
    >>> for step in next_steps(Result("s", "random", "5 folds", "r2", build({"alpha": [0.1, 1.0]}), {0: trial})):
    ...     print(step)
    No trial finished healthy; 1 of 1 ended in an error. Read the reasons below, and correct the study file or the data first.
    """
    return [Step(code, *told) for code, rule in RULES.items() for told in rule(result)]


def _none_healthy(result: Result) -> list[Told]:
    if result.best is not None or not result.outcomes:
        return []
    total = len(result.outcomes)
    failed, diverged = (sum(test(o) for o in result.outcomes.values()) for test in (_failed, _diverged))
    if failed >= diverged:
        do = "Read the reasons below, and correct the study file or the data first."
        return [(f"No trial finished healthy; {failed} of {total} ended in an error.", do)]
    do = 'Search lower learning rates, or set on_divergence = "repair".'
    return [(f"No trial finished healthy; {diverged} of {total} diverged.", do)]


def _baseline_is_better(result: Result) -> list[Told]:
    best = result.best
    if best is None or not result.baselines:
        return []
    top = max(result.baselines, key=lambda b: b.score)
    if level(top.score) <= level(best.score):
        return []
    _, sign = metric(result.scoring)
    it = "the network" if best.epoch else "the search"
    do = f"Use that model, or give {it} more trials, more rows or better columns before it is worth its cost."
    return [(f"The {top.name} scores {number(sign * top.score)}, the best trial {number(sign * best.score)}.", do)]


def _diverging(result: Result) -> list[Told]:
    """Say where trials diverge, and which change of the space would exclude them."""
    told = advice(result.outcomes.values(), result.space)
    return [(told[0], " ".join(told[1:]))] if told[1:] else []


def _edges(result: Result) -> list[Told]:
    """Look for parameters whose best values lie at one end of what was searched."""
    best = _best_trials(result)[:NEAREST]
    if len(best) < AT_THE_EDGE:
        return []
    leaves = [result.space.leaves(o.params) for o in best]
    found = []
    for name, leaf in result.space.axes.items():
        axis = leaf.dimension
        if name not in leaves[0] or leaf.shared or not _has_ends(axis):
            continue
        places = [_place(axis, values[name]) for values in leaves if name in values]
        for end, share in (("high", [p >= 1 - EDGE for p in places]), ("low", [p <= EDGE for p in places])):
            if share[0] and sum(share) >= AT_THE_EDGE and _goes_on(name, axis, end):
                found.append(_beyond(name, axis, end, sum(share), len(places)))
    return found


def _has_ends(axis: Axis) -> bool:
    """Return whether an axis is a range, or a choice among numbers that has a middle."""
    return isinstance(axis, Range) or (isinstance(axis, Choice) and axis.ordered and len(axis.values) > 2)


def _place(axis: Axis, value: float) -> float:
    """Return where a value lies between the ends of an axis: 0 and 1."""
    if isinstance(axis, Choice):
        return sorted(axis.values).index(value) / (len(axis.values) - 1)
    return float(axis.place(value))


def _ends(axis: Axis) -> tuple[float, float]:
    return (min(axis.values), max(axis.values)) if isinstance(axis, Choice) else (axis.low, axis.high)  # type: ignore[attr-defined]


def _goes_on(name: str, axis: Axis, end: str) -> bool:
    """Return whether values beyond an end are allowed; of parameters of other estimators, nobody knows."""
    low, high = _ends(axis)
    option = OPTIONS.get(name.rpartition("__")[2])
    step = (high - low) or 1.0
    value = high + step if end == "high" else low / 10 if low > 0 else low - step
    whole = all(float(bound).is_integer() for bound in (low, high)) and not (isinstance(axis, Range) and axis.log)
    return option is None or (int(value) if whole else value) in option.domain


def _beyond(name: str, axis: Axis, end: str, at_end: int, of: int) -> Told:
    low, high = _ends(axis)
    bound, words = (high, "upper") if end == "high" else (low, "lower")
    seen = f"{at_end} of the {of} best trials have {name} at the {words} end of what was searched, {number(bound)}."
    return seen, f"Search {'above' if end == 'high' else 'below'} {number(bound)}, too."


def _late(result: Result) -> list[Told]:
    best, total = result.best, len(result.outcomes)
    if best is None or total < FEWEST or result.method == "grid":
        return []
    place = sorted(result.outcomes).index(best.number) + 1
    if place <= LATE * total:
        return []
    after = f"only {total - place} of {total} trials came" if place < total else f"none of {total} trials came"
    seen = f"The best trial came late: {after} after trial {best.number}."
    return [(seen, f"The search was still improving when its budget ended: go on with n_trials = {2 * total}.")]


def _few(result: Result) -> list[Told]:
    scored, searched = sum(o.verdict in (OK, STOPPED) for o in result.outcomes.values()), len(result.space.axes)
    if result.best is None or not searched or scored >= TRIALS_OF_A_PARAMETER * searched:
        return []
    noun = "parameter" if searched == 1 else "parameters"
    seen = f"{scored} trials with a score are few for {searched} {noun}: what mattered is a guess."
    return [(seen, f"Take at least {TRIALS_OF_A_PARAMETER * searched} trials, or search fewer parameters.")]


def _still_learning(result: Result) -> list[Told]:
    best = result.best
    if best is None or not best.epoch:
        return []
    last = max((o.last_checkpoint for o in result.outcomes.values()), default=0)
    if not last or best.epoch < WHOLE * last:
        return []
    return [(f"The best trial was best at epoch {best.epoch} of {last}: it still learned.", "Raise max_iter.")]


def _repaired(result: Result) -> list[Told]:
    healthy = _best_trials(result)
    repaired = [o for o in healthy if o.repairs]
    if not repaired or len(repaired) < REPAIRED * len(healthy):
        return []
    own = " So was the best one." if result.best is not None and result.best.repairs else ""
    seen = f"{len(repaired)} of {len(healthy)} healthy trials were repaired on the way.{own}"
    return [(seen, "Lower the upper end of the learning rates: what is scored is then what was asked for.")]


def _alike(result: Result) -> list[Told]:
    best = result.best
    if best is None or not result.rivals or best.seed_scores:
        return []
    same = [n for n, d in result.rivals.items() if not d.distinguishable]
    if not same:
        return []
    seen = f"{len(same)} of the next {len(result.rivals)} trials cannot be told from the best one on these folds."
    return [(seen, AGAIN if best.epoch else SIMPLEST)]


def _optimistic(result: Result) -> list[Told]:
    if result.best is None or result.nested is not None or len(_best_trials(result)) < MANY_TRIALS:
        return []
    seen = f"The score is that of the best of {len(_best_trials(result))} trials, on the folds that chose it."
    return [
        (
            seen,
            "Nested cross-validation scores rows that the search has not seen, in six times the time: outer = 5 in [cv], or "
            "cross_val_score of a BPSearchCV.",
        )
    ]


def _noisy(result: Result) -> list[Told]:
    best = result.best
    dummy = next((b.score for b in result.baselines if b.name == DUMMY), None)
    if best is None or dummy is None or len(best.fold_scores) < 2:
        return []
    gain = best.score - dummy
    if not np.isfinite(gain) or gain <= 0 or best.std < SPREAD * gain:
        return []
    _, sign = metric(result.scoring)
    seen = f"The folds differ by ± {number(best.std)}, the gain over the {dummy_is(sign, dummy)} is {number(gain)}."
    how = "repeat folds that are drawn at random (repeats = 3 in [cv], or RepeatedKFold)"
    return [(seen, f"Find more rows, or {how}: single folds say little.")]


def dummy_is(sign: int, score: float) -> str:
    """Name the dummy predictor and its score.

    >>> dummy_is(-1, -77.0)
    'dummy predictor (77)'
    """
    return f"{DUMMY} ({number(sign * score)})"


def _errors(result: Result) -> list[Told]:
    failed = sum(map(_failed, result.outcomes.values()))
    if result.best is None or not failed:
        return []
    return [(f"{failed} of {len(result.outcomes)} trials ended in an error.", "Read the reasons below.")]


def _best_trials(result: Result) -> list[Outcome]:
    return sorted((o for o in result.outcomes.values() if o.healthy), key=order)


def _failed(outcome: Outcome) -> bool:
    return outcome.failed


def _diverged(outcome: Outcome) -> bool:
    return outcome.diverged


RULES: Mapping[str, Callable[[Result], list[Told]]] = {
    "none_healthy": _none_healthy,
    "baseline_is_better": _baseline_is_better,
    "diverging": _diverging,
    "edge": _edges,
    "late": _late,
    "still_learning": _still_learning,
    "repaired": _repaired,
    "noisy": _noisy,
    "alike": _alike,
    "optimistic": _optimistic,
    "few": _few,
    "errors": _errors,
}
"""Each rule by its code, in the order in which their advice is told."""
