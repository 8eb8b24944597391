"""The wild set: random draws from a wide space, on which no limit was set, labeled and explained by the effect of their faults.

Every draw has a healthy fit, its control. A wild value may be harmless. So a draw is positive only by its effect (`labels`),
with a margin of at least two standard deviations of the controls' scores on the same set. Likewise a control counts as
healthy only by its result: a draw is left out if its control exploded, or scored less than `LEAST_SHARE` of the median
control on its set.

The cause of a positive draw is found in the same way. Each wild factor is put back by itself; those that cure the run are its
causes. If none does, groups of two are put back, and the factors of the groups that cure are the causes; and so on, until
only all of them are left. A finding is right if it names one of the causes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from joblib import Parallel, delayed

from benchmarks.stability.draws import Draw, accepted, control, draw, faulty
from benchmarks.stability.labels import exploded, label, margin
from benchmarks.stability.measure import Case, Healthy, Pair, run_all
from benchmarks.stability.runs import Run, fit

LEAST_SHARE = 0.7


def causes(drawn: Draw, cures: Callable[[Sequence[str]], bool]) -> tuple[str, ...]:
    """Return the factors that are to blame: those of the smallest groups that cure the run when they are put back.

    >>> example = Draw("W", 0, "wine", {}, {}, {"depth": 9, "width": 8, "init_gain": 9.0})
    >>> causes(example, lambda put_back: "depth" in put_back)
    ('depth',)
    >>> causes(example, lambda put_back: {"depth", "width"} <= set(put_back))
    ('depth', 'width')
    """
    for size in range(1, len(drawn.wild)):
        found = {name for group in combinations(drawn.wild, size) if cures(group) for name in group}
        if found:
            return tuple(name for name in drawn.wild if name in found)
    return tuple(drawn.wild)


def by_set(draws: Sequence[Draw], controls: Sequence[Run]) -> dict[str, list[float]]:
    """Return the scores of the controls on each set."""
    scores: dict[str, list[float]] = {}
    for drawn, run in zip(draws, controls, strict=True):
        scores.setdefault(drawn.data, []).append(run.best)
    return scores


def well(draws: Sequence[Draw], controls: Sequence[Run]) -> list[bool]:
    """Return for each draw whether its control is healthy."""
    usual = {name: float(np.median(scores)) for name, scores in by_set(draws, controls).items()}
    return [
        not exploded(run) and run.best >= LEAST_SHARE * usual[drawn.data]
        for drawn, run in zip(draws, controls, strict=True)
    ]


def case(drawn: Draw, pair: Pair, healthy: Run, spread: float) -> Case:
    """Label a draw, and find the codes that explain it."""
    found = label([pair.ignored], [healthy], 2 * spread)
    made = faulty(drawn)
    if found.positive:
        allowed = max(margin([pair.ignored], [healthy]), 2 * spread)

        def cures(put_back: Sequence[str]) -> bool:
            run = fit(faulty(drawn, put_back), drawn.seed, on_divergence="ignore")
            return not exploded(run) and run.best >= healthy.best - allowed

        to_blame = causes(drawn, cures)
        made = made._replace(accept=accepted(drawn, to_blame), note=f"{made.note}; because of {', '.join(to_blame)}")
    return Case(made, (drawn.seed,), (pair,), (healthy,), found)


def cases(count: int, jobs: int = 2) -> tuple[list[Case], list[Healthy]]:
    """Run `count` draws; return the faulty ones, labeled and explained, and the healthy runs."""
    drawn = [draw(number) for number in range(count)]
    pairs = list(run_all([(control(d), d.seed) for d in drawn], jobs).values())
    kept = [
        each
        for each, good in zip(zip(drawn, pairs, strict=True), well(drawn, [p.ignored for p in pairs]), strict=True)
        if good
    ]
    healthy = [Healthy(control(d), d.seed, pair) for d, pair in kept]
    scores = by_set([d for d, _ in kept], [pair.ignored for _, pair in kept])
    wild = [(d, pair.ignored) for d, pair in kept if d.wild]
    faults = run_all([(faulty(d), d.seed) for d, _ in wild], jobs).values()
    work = [
        delayed(case)(d, pair, run, float(np.std(scores[d.data]))) for (d, run), pair in zip(wild, faults, strict=True)
    ]
    return Parallel(jobs, backend="threading")(work), healthy
