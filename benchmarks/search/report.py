"""The tables and the picture of a comparison of searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Table
from benchmarks.search.contenders import CONTENDERS, MEMBERS, TRIALS, Run
from benchmarks.search.measures import (
    HALVING,
    OPTUNA,
    OURS,
    TREES,
    at_equal_time,
    faster_optuna,
    over_sets,
    ranks,
    time_ratio,
    total_time_ratio,
)

Measured = Mapping[tuple[str, int], Mapping[str, Run]]
"""The contenders' runs for each set and seed."""

NETWORKS = [name for name in CONTENDERS if name not in (OURS, TREES, OPTUNA[1])]
COLORS = {OURS: "#c1272d", OPTUNA[0]: "#1f77b4", TREES: "#2ca02c", "RandomizedSearchCV": "#7f7f7f"}
MARKS = {"GridSearchCV": "s", "RandomizedSearchCV": "o", HALVING: "^"}


def peers_of(runs: Mapping[str, Run]) -> dict[str, Run]:
    """Return the runs of the peers that search networks; OptunaSearchCV with its faster number of jobs."""
    named = {OPTUNA[0]: faster_optuna(runs)}
    return {name: runs[named.get(name, name)] for name in NETWORKS if named.get(name, name) in runs}


def each_set(measured: Measured) -> Table:
    """Return a row for each set: time to target, and the scores."""
    rows = []
    for name in dict.fromkeys(name for name, _ in measured):
        seeds = [runs for (other, _), runs in measured.items() if other == name]
        optuna = [peers_of(runs)[OPTUNA[0]] for runs in seeds]
        reached = [runs[OURS].reaches(peer.score) for runs, peer in zip(seeds, optuna, strict=True)]
        ratios = [time_ratio(runs[OURS], peer) for runs, peer in zip(seeds, optuna, strict=True)]
        halving = [total_time_ratio(runs[OURS], runs[HALVING]) for runs in seeds if HALVING in runs]
        rows.append(
            [
                name,
                f"{np.median([peer.reaches(peer.score) for peer in optuna]):.1f}",
                f"{np.median(reached):.2f}",
                f"{np.median(ratios):.0f}x",
                f"{np.median(halving):.0f}x" if halving else "-",
                *(_mean_test(seeds, other) for other in (OURS, OPTUNA[0], TREES)),
            ]
        )
    return Table(
        [
            "set",
            f"{OPTUNA[0]}: seconds to its best",
            "bpsearch: seconds to the same score",
            "ratio",
            f"ratio to {HALVING}",
            "test score: bpsearch",
            OPTUNA[0],
            TREES,
        ],
        rows,
        f"Medians over seeds; test scores are means. OptunaSearchCV does {TRIALS} trials. "
        "Scores are accuracies or negative root mean squared errors.",
    )


def goals(measured: Measured) -> Table:
    """Return the table of goals and measured figures."""
    names = list(dict.fromkeys(name for name, _ in measured))
    by_set = [[runs for (other, _), runs in measured.items() if other == name] for name in names]
    optuna = over_sets([[time_ratio(r[OURS], peers_of(r)[OPTUNA[0]]) for r in seeds] for seeds in by_set])
    halved = [[total_time_ratio(r[OURS], r[HALVING]) for r in seeds if HALVING in r] for seeds in by_set]
    equal = [at_equal_time(runs[OURS], peer) for runs in measured.values() for peer in peers_of(runs).values()]
    single = [runs[OURS].alone >= peer.test for runs in measured.values() for peer in peers_of(runs).values()]
    folds, test = (100 * np.mean([getattr(e, side) for e in equal]) for side in ("better_on_folds", "better_on_test"))
    present = [name for name in (OURS, *NETWORKS, TREES) if all(name in _known(runs) for runs in measured.values())]
    tests = [{name: _known(runs)[name].test for name in present} for runs in measured.values()]
    ones = [scores | {OURS: runs[OURS].alone} for scores, runs in zip(tests, measured.values(), strict=True)]
    return Table(
        ["measure", "goal", "measured"],
        [
            ["time to OptunaSearchCV's best", ">= 50x", f"{optuna:.1f}x"],
            [
                f"time to {HALVING}'s score, against its whole time",
                ">= 20x",
                f"{over_sets(halved):.1f}x" if all(halved) else "-",
            ],
            ["at least as good at equal time, on the folds", ">= 90 %", f"{folds:.0f} % of {len(equal)}"],
            [f"the same on test rows, {MEMBERS} networks averaged", "", f"{test:.0f} % of {len(equal)}"],
            ["the same with the first network alone", "", f"{100 * np.mean(single):.0f} % of {len(equal)}"],
            [f"mean rank at equal time on test rows, {MEMBERS} networks averaged", "first", _placed(tests)],
            ["the same with the first network alone", "", _placed(ones)],
        ],
        "Time to target: geometric mean over sets of the median over seeds; where the target was never reached, the ratio "
        "counts as 1x.",
    )


def _placed(scores: Sequence[Mapping[str, float]]) -> str:
    places = sorted(ranks(scores).items(), key=lambda item: item[1])
    return ", ".join(f"{name} {place:.1f}" for name, place in places)


def _known(runs: Mapping[str, Run]) -> dict[str, Run]:
    """Return the runs by contender; OptunaSearchCV with its faster number of jobs."""
    return {**runs, **peers_of(runs)}


def _mean_test(seeds: Sequence[Mapping[str, Run]], name: str) -> str:
    scores = [_known(runs)[name].test for runs in seeds if name in _known(runs)]
    return f"{np.mean(scores):.4g}" if scores else "-"


def draw(measured: Measured, path: Path) -> None:
    """Draw the best score over time for the first seed, one panel for each set."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = {name: runs for (name, seed), runs in measured.items() if seed == min(s for _, s in measured)}
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(3.4 * columns, 2.6 * rows), squeeze=False)
    for ax, (name, runs) in zip(axes.flat, panels.items(), strict=False):
        _panel(ax, name, {name: run for name, run in _known(runs).items() if name != OPTUNA[1]})
    for ax in axes.flat[len(panels) :]:
        ax.axis("off")
    lines = {label: line for ax in axes.flat for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.supxlabel("seconds", fontsize=10)
    figure.supylabel("best cross-validated score so far", fontsize=10)
    figure.legend(lines.values(), lines.keys(), loc="upper center", ncols=len(lines), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _panel(ax: Any, name: str, runs: Mapping[str, Run]) -> None:
    last = max(run.seconds for run in runs.values())
    lowest = []
    for contender, run in runs.items():
        times, scores = zip(*run.curve, strict=True)
        color = COLORS.get(contender, "#7f7f7f")
        if contender in MARKS:
            ax.plot(times, scores, MARKS[contender], ms=5, color=color, mfc="none", label=contender)
        else:
            ax.step([*times, last], [*scores, scores[-1]], where="post", lw=1.6, color=color, label=contender)
        lowest.append(scores[-1])
    span = max(lowest) - min(lowest) or abs(max(lowest)) * 0.01
    ax.set(xscale="log", title=name, ylim=(min(lowest) - 1.5 * span, max(lowest) + 0.3 * span))
    ax.title.set_fontsize(9)
    ax.tick_params(labelsize=7)
