"""Tables of what was measured, and the list of what was missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.common import Table
from benchmarks.stability.baselines import Judgement
from benchmarks.stability.corpus import NONE, Cell
from benchmarks.stability.labels import peak
from benchmarks.stability.measure import OURS, Judged, Pair, judgements, latency, right

Z = 1.959964
"""of a two-sided interval of 95 percent"""


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
    return max(middle - half, 0.0), min(middle + half, 1.0)


def rate(hits: Iterable[bool]) -> str:
    """Return a rate with its interval and its counts.

    >>> rate([True, True, False, True])
    '0.750 (0.30-0.95; 3/4)'
    """
    values = list(hits)
    if not values:
        return "-"
    low, high = wilson(sum(values), len(values))
    return f"{np.mean(values):.3f} ({low:.2f}-{high:.2f}; {sum(values)}/{len(values)})"


def asked(runs: Sequence[Judged], system: str) -> list[tuple[Judged, Judgement]]:
    return [(run, judgement) for run in runs if (judgement := run.judgements.get(system)) is not None]


def rows(name: str, runs: Sequence[Judged], healthy: Sequence[Pair], systems: Sequence[str]) -> list[list[str]]:
    """Return the rows of one set of runs: a row a measure, a column a system."""
    said = {system: asked(runs, system) for system in systems}
    alarms = {
        system: [j.alarm for pair in healthy if (j := judgements(pair).get(system)) is not None] for system in systems
    }
    measures = {
        "explosions noticed (goal >= 0.98)": lambda s: [j.explosion for run, j in said[s] if run.exploded],
        "exploded runs with any alarm": lambda s: [j.alarm for run, j in said[s] if run.exploded],
        "false alarms (goal <= 0.01)": lambda s: alarms[s],
        "first code right (goal >= 0.85)": lambda s: [right(run, j) for run, j in said[s]],
        "first code right, harmed runs": lambda s: [right(run, j) for run, j in said[s] if run.harmed and run.positive],
    }
    return [[f"{measure}, {name}", *(rate(values(s)) for s in systems)] for measure, values in measures.items()]


def summary(parts: dict[str, tuple[Sequence[Judged], Sequence[Pair]]], systems: Sequence[str]) -> Table:
    """Return the table of all sets, measure by measure."""
    blocks = [rows(name, runs, healthy, systems) for name, (runs, healthy) in parts.items()]
    lines = [line for measure in zip(*blocks, strict=True) for line in measure]
    for name, (runs, _) in parts.items():
        late = [delay for run in runs if run.exploded and (delay := latency(run.pair)) is not None]
        text = f"{np.median(late):.0f}, at most {max(late)}" if late else "-"
        lines.append([f"epochs from the first loss over 10 times the dummy predictor's to the stop, {name}", text])
    lines = [line + [""] * (len(systems) + 1 - len(line)) for line in lines]
    return Table(["measure", *systems], lines, "Rate (95 % interval; counts).")


def misses(runs: Sequence[Judged], healthy: Sequence[tuple[Cell, int, Pair]], system: str = OURS) -> list[str]:
    """Return a line for every run that a system got wrong."""
    lines = []
    for run, judgement in asked(runs, system):
        unnoticed = run.exploded and not judgement.explosion
        if unnoticed or not right(run, judgement):
            what = "explosion missed" if unnoticed else "code"
            codes = run.pair.stopped.codes if system == OURS else judgement.codes
            lines.append(
                f"{what}: {run.cell.id} seed {run.seed}: expected {'/'.join(run.cell.accept)}, got "
                f"{', '.join(codes) or NONE}; peak {peak(run.pair.ignored):.3g}, best score {run.pair.ignored.best:.3f} "
                f"of {run.control.best:.3f}, {'exploded' if run.exploded else 'harmed' if run.harmed else 'not harmed'}"
            )
    for cell, seed, pair in healthy:
        judgement = judgements(pair)[system]
        if judgement is not None and judgement.alarm:
            codes = ", ".join(pair.stopped.codes if system == OURS else judgement.codes)
            lines.append(
                f"false alarm: {cell.id} seed {seed}: {pair.stopped.status}, {codes}; best score {pair.ignored.best:.3f}"
            )
    return lines


def labels(runs: Sequence[Judged]) -> list[str]:
    """Return a line for every cell: its label and how many of its runs exploded and were harmed."""
    cells: dict[str, list[Judged]] = {}
    for run in runs:
        cells.setdefault(run.cell.id, []).append(run)
    return [
        f"{id}: {'positive' if of[0].positive else 'negative'}, {sum(r.exploded for r in of)} exploded, "
        f"{sum(r.harmed for r in of)} harmed of {len(of)}; codes {sorted({r.pair.stopped.top for r in of})}"
        for id, of in cells.items()
    ]
