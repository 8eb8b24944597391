"""All runs of every cell and seed, their labels, and what is counted over them.

A *healthy* run is one of a healthy cell or of a control. The code of a faulty run is right if the cell accepts it. Silence is
right, too, if the run was not harmed (`labels`) or the cell is negative: a fault without an effect needs no name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed

from benchmarks.stability import peer
from benchmarks.stability.baselines import RULES_OF, Judgement, bpmodel
from benchmarks.stability.corpus import Cell
from benchmarks.stability.labels import PEAK, Label, label
from benchmarks.stability.runs import Run, fit

OURS = "bpmodel"
PEER = "scikit-learn"
SYSTEMS = (OURS, PEER, *RULES_OF)


class Pair(NamedTuple):
    """The same fit twice: with nothing that stops it, and with the defaults."""

    ignored: Run
    stopped: Run


class Case(NamedTuple):
    """One faulty cell with its runs, one for each seed."""

    cell: Cell
    seeds: tuple[int, ...]
    pairs: tuple[Pair, ...]
    controls: tuple[Run, ...]
    label: Label


class Healthy(NamedTuple):
    """One run of a healthy cell or of a control."""

    cell: Cell
    seed: int
    pair: Pair


class Judged(NamedTuple):
    """One run and the judgements of all systems; a system that cannot judge it is missing."""

    cell: Cell
    seed: int
    pair: Pair
    control: Run
    exploded: bool
    harmed: bool
    positive: bool
    judgements: dict[str, Judgement]


def key(cell: Cell) -> tuple:
    """Return a key that two cells share if they are the same fit."""
    return cell.data, repr(sorted({**cell.base, **cell.change}.items())), cell.spoil, cell.prepare


def pair(cell: Cell, seed: int) -> Pair:
    return Pair(fit(cell, seed, on_divergence="ignore"), fit(cell, seed, on_divergence="stop"))


def run_all(wanted: Iterable[tuple[Cell, int]], jobs: int = 2) -> dict[tuple, Pair]:
    """Run each different fit once, several at a time; the keys are `(key(cell), seed)`."""
    different = {(key(cell), seed): (cell, seed) for cell, seed in wanted}
    work = [delayed(pair)(*each) for each in different.values()]
    return dict(zip(different, Parallel(jobs, backend="threading")(work), strict=True))


def cases(cells: Sequence[Cell], seeds: Sequence[int], jobs: int = 2) -> tuple[list[Case], dict[tuple, Pair]]:
    """Run the cells; return the faulty ones with their labels, and all runs.

    Healthy cells and controls have twice as many seeds.
    """
    doubled = [*seeds, *(seed + len(seeds) for seed in seeds)]
    wanted = [(cell, seed) for cell in cells for seed in (doubled if cell.healthy else seeds)]
    wanted += [(cell.control, seed) for cell in cells if not cell.healthy for seed in doubled]
    runs = run_all(wanted, jobs)
    found = []
    for cell in cells:
        if not cell.healthy:
            pairs = tuple(runs[key(cell), seed] for seed in seeds)
            controls = tuple(runs[key(cell.control), seed].ignored for seed in seeds)
            found.append(Case(cell, tuple(seeds), pairs, controls, label([p.ignored for p in pairs], controls)))
    return found, runs


def healthy_runs(cells: Sequence[Cell], runs: dict[tuple, Pair]) -> list[Healthy]:
    """Return the different runs of healthy cells and of controls."""
    owners = {key(c): c for cell in cells for c in ([cell] if cell.healthy else [cell.control])}
    return [Healthy(owners[name], seed, pair) for (name, seed), pair in runs.items() if name in owners]


def _judgements(cell: Cell, seed: int, pair: Pair, ask_peer: bool) -> dict[str, Judgement]:
    said = {OURS: bpmodel(pair.stopped)} | {name: rule(pair.ignored) for name, rule in RULES_OF.items()}
    answer = peer.judge(cell, seed) if ask_peer else None
    return said if answer is None else said | {PEER: answer}


def judge_all(
    found: Sequence[Case], healthy: Sequence[Healthy], peer_seeds: int, jobs: int = 2
) -> tuple[list[Judged], list[Judged]]:
    """Let every system judge every run; return the faulty and the healthy runs.

    scikit-learn's MLP judges only the first `peer_seeds` seeds of a cell.
    """
    runs = [
        (case.cell, seed, pair, control, exploded, harmed, case.label.positive)
        for case in found
        for seed, pair, control, exploded, harmed in zip(
            case.seeds, case.pairs, case.controls, case.label.exploded, case.label.harmed, strict=True
        )
    ]
    runs += [(*each, each.pair.ignored, False, False, False) for each in healthy]
    seen: dict[str, int] = {}
    asked = []
    for cell, *_ in runs:
        seen[cell.id] = seen.get(cell.id, 0) + 1
        asked.append(seen[cell.id] <= peer_seeds)
    work = [delayed(_judgements)(*run[:3], ask) for run, ask in zip(runs, asked, strict=True)]
    said = Parallel(jobs, backend="threading")(work)
    judged = [Judged(*run, answers) for run, answers in zip(runs, said, strict=True)]
    return judged[: len(judged) - len(healthy)], judged[len(judged) - len(healthy) :]


def right(run: Judged, judgement: Judgement) -> bool:
    """Return whether a judgement names the fault, or is silent where there was no harm."""
    if not judgement.codes:
        return not (run.harmed and run.positive)
    return bool(set(judgement.codes) & set(run.cell.accept))


def latency(pair: Pair) -> int | None:
    """Return how many epochs after the first loss over the limit a divergence was detected; None if no loss was over it.

    The monitor stops within an epoch, so 0 means before the end of that epoch.
    """
    high = ~(pair.ignored.loss <= PEAK * pair.ignored.baseline)
    if pair.stopped.epoch is None or not high.any():
        return None
    return pair.stopped.epoch - (int(np.argmax(high)) + 1)
