"""The tables of the comparison of penalties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.common import Table
from benchmarks.penalties.landscapes import DISTANCES, LANDSCAPES, Landscape
from benchmarks.penalties.trials import START, Trace
from search.trials.penalties import DEFAULT_PENALTY

EARLY = 20
FOUND = 0.05
"""Regret at which the best configuration counts as found."""


class Study(NamedTuple):
    """How one study was run; the landscape is None if networks were trained."""

    method: str
    penalty: str
    seed: int
    landscape: Landscape | None = None


Traces = Mapping[Study, Trace]


def contenders(traces: Traces) -> list[tuple[str, str]]:
    """Return the methods and penalties that were compared, in order."""
    return list(dict.fromkeys((study.method, study.penalty) for study in traces))


def area(trace: Trace) -> float:
    """Return the mean regret over the trials."""
    return float(np.mean(trace.regret))


def against_default(traces: Traces, method: str, penalty: str, figure: Callable[[Trace], float]) -> tuple[float, float]:
    """Return the mean difference from the default penalty, with the same landscapes and seeds, and its standard error."""
    pairs = [
        figure(trace) - figure(traces[study._replace(penalty=DEFAULT_PENALTY)])
        for study, trace in traces.items()
        if study[:2] == (method, penalty)
    ]
    return float(np.mean(pairs)), float(np.std(pairs, ddof=1) / np.sqrt(len(pairs)))


def regret_after(n_trials: int) -> Callable[[Trace], float]:
    return lambda trace: trace.regret[n_trials - 1]


def percent(traces: Traces, figure: Callable[[Trace], float], **where: object) -> str:
    """Return the mean of a figure, in percent, over the landscapes with the given attributes."""
    found = [
        figure(trace)
        for study, trace in traces.items()
        if all(getattr(study.landscape, name) == value for name, value in where.items())
    ]
    return f"{100 * np.mean(found):.0f}"


def made_up(traces: Traces) -> Table:
    """Return a row for each method and penalty, over all landscapes."""
    shares = sorted({landscape.share for landscape in LANDSCAPES})
    hardest = {
        study: trace for study, trace in traces.items() if study.landscape and study.landscape.share == shares[-1]
    }
    ends = (EARLY, _n_trials(traces))
    rows = []
    for method, penalty in contenders(traces):
        own = {study: trace for study, trace in traces.items() if study[:2] == (method, penalty)}
        rows.append(
            [
                method,
                penalty,
                " / ".join(percent(own, lambda t: t.diverged, share=share) for share in shares),
                percent(own, lambda t: t.wasted),
                *(" / ".join(percent(own, regret_after(n), place=place) for n in ends) for place in DISTANCES),
                percent(own, lambda t: t.regret[-1] < FOUND, place="near"),
                percent(own, area),
                *(_difference(*against_default(of, method, penalty, area), penalty) for of in (traces, hardest)),
            ]
        )
    return Table(
        [
            "method",
            "penalty",
            f"diverged, % (where {' / '.join(f'{100 * share:.0f}' for share in shares)} % of the space diverges)",
            "epochs in diverged trials, %",
            *(f"regret, {place} spaces, %" for place in DISTANCES),
            "found, near spaces, %",
            "mean regret, %",
            "against the default",
            f"where {100 * shares[-1]:.0f} % diverges",
        ],
        rows,
        f"Diverged: share of the trials after the first {START}. Epochs: share of all epochs. Regret: after "
        f"{ends[0]} / {ends[1]} trials, as a share of the dummy predictor's. Found: share of the studies of near spaces that end "
        f"with a regret below {FOUND:.0%}. Mean regret: over all trials. Against the default: its difference from the default "
        "penalty in the same landscape with the same seed, ± the standard error of the difference. Means over "
        f"{len(LANDSCAPES)} landscapes and {_n_seeds(traces)} seeds.",
    )


def _difference(mean: float, error: float, penalty: str) -> str:
    return "" if penalty == DEFAULT_PENALTY else f"{100 * mean:+.1f} ± {100 * error:.1f}"


def networks(traces: Traces, name: str) -> Table:
    """Return a row for each method and penalty, for the networks of a study file."""
    rows = []
    for method, penalty in contenders(traces):
        own = [trace for study, trace in traces.items() if study[:2] == (method, penalty)]
        difference, error = against_default(traces, method, penalty, lambda t: t.held[-1])
        rows.append(
            [
                method,
                penalty,
                f"{100 * np.mean([t.diverged for t in own]):.0f}",
                f"{100 * np.mean([t.wasted for t in own]):.1f}",
                f"{np.mean([t.held[EARLY - 1] for t in own]):.2f}",
                f"{np.mean([t.held[-1] for t in own]):.2f}",
                "" if penalty == DEFAULT_PENALTY else f"{difference:+.2f} ± {error:.2f}",
            ]
        )
    return Table(
        [
            "method",
            "penalty",
            "diverged, %",
            "epochs in diverged trials, %",
            f"best score after {EARLY} trials",
            f"after {_n_trials(traces)}",
            "against the default",
        ],
        rows,
        f"`{name}`, {_n_seeds(traces)} seeds, no trial stopped early; scores are negative root mean squared errors.",
    )


def _n_trials(traces: Traces) -> int:
    return len(next(iter(traces.values())).held)


def _n_seeds(traces: Traces) -> int:
    return len({study.seed for study in traces})
