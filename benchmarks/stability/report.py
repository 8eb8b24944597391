"""Tables of the measured figures, and a list of the misses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.common import Table
from benchmarks.stability.baselines import Judgement
from benchmarks.stability.corpus import NONE
from benchmarks.stability.labels import peak
from benchmarks.stability.measure import OURS, SYSTEMS, Judged, latency, right
from benchmarks.stability.overhead import Cost
from benchmarks.stability.remedies import Attempt, times
from benchmarks.stability.waste import Waste

Z = 1.959964
"""Quantile of a two-sided interval of 95 percent."""


class Part(NamedTuple):
    """All figures of one set of runs; `attempts` is None if bpmodel cannot repair."""

    name: str
    faulty: Sequence[Judged]
    healthy: Sequence[Judged]
    attempts: Sequence[Attempt] | None
    random_repairs: Sequence[bool]


def wilson(hits: int, runs: int) -> tuple[float, float]:
    """Return Wilson's interval of 95 percent for a rate.

    >>> [round(bound, 3) for bound in wilson(0, 150)]
    [0.0, 0.025]
    """
    if runs == 0:
        return 0.0, 1.0
    share, spread = hits / runs, Z**2 / runs
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * np.sqrt(share * (1 - share) / runs + spread / runs / 4)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def rate(hits: Iterable[bool]) -> str:
    """Return a rate with its interval and its counts.

    >>> rate([True, True, False, True])
    '0.750 (0.301-0.954; 3/4)'
    """
    values = list(hits)
    if not values:
        return "-"
    low, high = wilson(sum(values), len(values))
    return f"{np.mean(values):.3f} ({low:.3f}-{high:.3f}; {sum(values)}/{len(values)})"


def asked(runs: Sequence[Judged], system: str) -> list[tuple[Judged, Judgement]]:
    return [(run, run.judgements[system]) for run in runs if system in run.judgements]


MEASURES: dict[str, Callable[[Part, str], list[bool]]] = {
    "explosions detected (goal: at least 0.98)": lambda part, system: [
        said.explosion for run, said in asked(part.faulty, system) if run.exploded
    ],
    "exploded runs with any alarm": lambda part, system: [
        said.alarm for run, said in asked(part.faulty, system) if run.exploded
    ],
    "false alarms (goal: at most 0.01)": lambda part, system: [said.alarm for _, said in asked(part.healthy, system)],
    "false alarms in runs whose score did not fall": lambda part, system: [
        said.alarm for run, said in asked(part.healthy, system) if not run.pair.ignored.fell
    ],
    "first code right (goal: at least 0.85)": lambda part, system: [
        right(run, said) for run, said in asked(part.faulty, system)
    ],
    "first code right, harmed runs only": lambda part, system: [
        right(run, said) for run, said in asked(part.faulty, system) if run.harmed and run.positive
    ],
}
"""row of the summary that all systems share -> its answers for one system on one set of runs."""


def summary(parts: Sequence[Part]) -> Table:
    """Return the table of all sets of runs, measure by measure: bpmodel first, the random remedy last."""
    lines = [
        [f"{name}, {part.name}", *(rate(answers(part, system)) for system in SYSTEMS), ""]
        for name, answers in MEASURES.items()
        for part in parts
    ]
    none = [""] * (len(SYSTEMS) - 1)
    for part in parts:
        late = [delay for run in part.faulty if run.exploded and (delay := latency(run.pair)) is not None]
        text = f"{np.median(late):.0f} (at most {max(late)})" if late else "-"
        lines.append([f"epochs from the first loss over the limit to the stop, {part.name}", text, *none, ""])
    for part in parts:
        ours = rate(attempt.repaired for attempt in part.attempts or ())
        lines.append([f"repaired, by score (goal: at least 0.95), {part.name}", ours, *none, rate(part.random_repairs)])
    for part in parts:
        median, most = times(part.attempts or ())
        text = f"{median:.2f} (90th percentile {most:.2f})" if np.isfinite(median) else "-"
        lines.append(
            [f"time of repaired fits, in times of their controls (goal: at most 1.5), {part.name}", text, *none, ""]
        )
    return Table(
        ["measure", *SYSTEMS, "random remedy"],
        lines,
        "Rates with 95 % intervals and counts. All systems judge the same runs; scikit-learn's MLP, those whose options it has. "
        + " ".join(
            f"{part.name.capitalize()}: {len(part.faulty)} faulty runs, {sum(r.exploded for r in part.faulty)} of them exploded, "
            f"and {len(part.healthy)} healthy ones."
            for part in parts
        ),
    )


def overhead(costs: Sequence[Cost]) -> Table:
    """Return the table of what watching costs."""
    lines = [[str(c.shape), f"{100 * (c.median - 1):+.1f} %", f"{100 * (c.least - 1):+.1f} %"] for c in costs]
    middle = [float(np.median([getattr(c, name) for c in costs])) - 1 for name in ("median", "least")]
    lines.append(["median", *(f"{100 * value:+.1f} %" for value in middle)])
    rounds = sorted(c.rounds for c in costs)
    return Table(
        ["network, batch", "overhead of watching (goal: at most 3 %)", "the same from the shortest times"],
        lines,
        f"Fits of 100 epochs of 10 steps, {rounds[0]} to {rounds[-1]} rounds.",
    )


def waste(found: Waste) -> Table:
    """Return the table of the time that a search spends on diverged trials."""
    return Table(
        [
            "random search in studies/exploding.toml",
            "diverged",
            "time spent on them (goal: at most 2 %)",
            "the same if nothing stops them",
        ],
        [
            [
                f"{found.trials} trials",
                str(found.diverged),
                f"{100 * found.watched:.1f} %",
                f"{100 * found.ignored:.0f} %",
            ]
        ],
        "Shares of the time of all trials, run one at a time, without pruning.",
    )


def misses(part: Part, system: str = OURS) -> list[str]:
    """Return a line for every run that a system got wrong, and for every run that was not repaired."""
    lines = []
    for run, said in asked(part.faulty, system):
        unnoticed = run.exploded and not said.explosion
        if unnoticed or not right(run, said):
            what = "explosion not noticed" if unnoticed else "code"
            lines.append(
                f"{part.name}: {what}: {run.cell.id} seed {run.seed}: expected {'/'.join(run.cell.accept)}, got "
                f"{', '.join(run.pair.stopped.codes) or NONE}; peak {peak(run.pair.ignored):.3g}, best score "
                f"{run.pair.ignored.best:.3f} of {run.control.best:.3f}, {effect(run)}; {change(run)}"
            )
    lines += [
        f"{part.name}: false alarm: {run.cell.id} seed {run.seed}: {run.pair.stopped.status}, "
        f"{', '.join(run.pair.stopped.codes)}; best score {run.pair.ignored.best:.3f}; {change(run)}"
        for run, said in asked(part.healthy, system)
        if said.alarm
    ]
    lines += [
        f"{part.name}: not repaired: {a.cell.id} seed {a.seed}: {a.tries} tries, score {a.score:.3f} of {a.control_score:.3f}"
        for a in part.attempts or ()
        if not a.repaired
    ]
    return lines


def effect(run: Judged) -> str:
    return "exploded" if run.exploded else "harmed" if run.harmed else "not harmed"


def change(run: Judged) -> str:
    """Return the set of a run and the options that its fault changed."""
    changed = {name: value for name, value in run.cell.change.items() if run.cell.base.get(name) != value}
    return f"{run.cell.data}, {run.cell.note or changed}"


def labels(part: Part) -> list[str]:
    """Return a line for every cell: its label and how many of its runs exploded and were harmed."""
    cells: dict[str, list[Judged]] = {}
    for run in part.faulty:
        cells.setdefault(run.cell.id, []).append(run)
    return [
        f"{id}: {'positive' if of[0].positive else 'negative'}, {sum(r.exploded for r in of)} exploded, "
        f"{sum(r.harmed for r in of)} harmed of {len(of)}; codes {sorted({r.pair.stopped.top for r in of})}"
        for id, of in cells.items()
    ]
