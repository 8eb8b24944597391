"""Advice on how to change a space: where its trials diverge, and which change would exclude them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from search.results.divergence_rules import Condition, all_hold, find_rule
from search.space.dimensions import Choice, Draws, Quantile, Range, label
from search.space.interface import Axis
from search.space.spaces import Space
from search.trials.outcomes import Outcome


def codes(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count diverged trials by the code of their first finding, the most frequent first."""
    counts = Counter(o.divergence.code or "not diagnosed" for o in outcomes if o.divergence is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def advice(outcomes: Iterable[Outcome], space: Space) -> list[str]:
    """Return sentences that say where in a space trials diverge, and how to exclude them.

    Empty if the evidence is weak.

    Trials that ended in an error are ignored.

    Examples
    --------
    >>> from search.space.spaces import build
    >>> space = build({"learning_rate_init": (1e-3, 10.0, "log"), "activation": ["relu", "tanh"]})
    >>> def outcome(number, params):
    ...     verdict = "diverged" if params["learning_rate_init"] > 0.5 else "ok"
    ...     return Outcome(number, params, verdict, "", [], 0, {}, {}, 0.0)
    >>> for line in advice([outcome(n, space.random_point(0, n)) for n in range(40)], space):
    ...     print(line)
    All 11 diverged trials have learning_rate_init > 0.6; none of the 29 others does.
    learning_rate_init: high = 0.6 would exclude 11 of 11 diverged and 0 of 29 other trials.
    """
    known = [o for o in outcomes if not o.failed]
    dimensions = {name: leaf.dimension for name, leaf in space.axes.items()}
    params = [space.leaves(o.params) for o in known]
    diverged = np.array([o.diverged for o in known], dtype=bool)
    rule = find_rule(params, diverged, dimensions)
    if not rule:
        return []
    inside = np.array([all_hold(rule, p) for p in params])
    hit, missed = int((inside & diverged).sum()), int((inside & ~diverged).sum())
    bad, good = int(diverged.sum()), int((~diverged).sum())
    some = f"All {bad} diverged trials have" if hit == bad else f"{hit} of {bad} diverged trials have"
    also = "none" if missed == 0 else str(missed)
    lines = [f"{some} {' and '.join(map(str, rule))}; {also} of the {good} others {'does' if missed < 2 else 'do'}."]
    for condition in rule:
        if space.axes[condition.name].shared:
            continue
        alone = np.array([condition.holds(p) for p in params])
        lost, spared = int((alone & diverged).sum()), int((alone & ~diverged).sum())
        change = f"{condition.name}: {_change(dimensions[condition.name], condition)}"
        lines.append(f"{change} would exclude {lost} of {bad} diverged and {spared} of {good} other trials.")
    return lines


def _change(dimension: Axis, condition: Condition) -> str:
    """Return the change to the space that excludes the trials that fulfill a condition."""
    return CHANGES[type(dimension)](dimension, condition)


def _fewer_choices(dimension: Choice, condition: Condition) -> str:
    return label([value for value in dimension.values if label(value) not in condition.bound])


def _another_end(dimension: Range, condition: Condition) -> str:
    end, other = ("high", "low") if condition.kind == "above" else ("low", "high")
    if condition.bound == getattr(dimension, other):  # the range would be empty
        return _no_value(dimension, condition)
    return f"{end} = {condition.bound}"


def _no_value(dimension: Axis, condition: Condition) -> str:
    return f"no value {condition.kind} {condition.bound}"


CHANGES: dict[type[Axis], Callable[[Any, Condition], str]] = {
    Choice: _fewer_choices,
    Range: _another_end,
    Quantile: _no_value,
    Draws: _no_value,
}
