"""The report that a tracker receives at the end of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from matplotlib.figure import Figure

from search.plots import figures as plots
from search.results import report
from search.results.judgment import judgment
from search.results.result import Result
from search.tracking import Report
from search.tracking.contents.runs import PAGE
from search.tracking.naming.markdown import plain
from search.trials.outcomes import VERDICTS, front

Page = Callable[[Result, Mapping[str, Figure]], str]
"""Maps a result and its figures to the report that people keep, as HTML."""


def tracking_report(result: Result, page: Page | None = None) -> Report:
    """Return parameters, metrics, summary, figures, tables and, if it is to have one, the page of the parent run."""
    best, nested = result.best, result.nested
    figures = plots.figures(result.outcomes, result.space, result.baselines, result.scoring, result.loss)
    return Report(
        params={f"best.{name}": value for name, value in best.params.items()} if best else {},
        metrics=_metrics(result),
        steps={"outer_score": nested.scores} if nested else {},
        summary=report.summary(result),
        verdict=" ".join(f"**{plain(line)}**" for line in judgment(result)),
        figures=figures,
        tables=_tables(result),
        texts={} if page is None else {PAGE: page(result, figures)},
    )


def _metrics(result: Result) -> dict[str, float]:
    best, nested = result.best, result.nested
    counts = Counter(o.verdict for o in result.outcomes.values())
    metrics: dict[str, float] = {f"trials_{verdict}": counts[verdict] for verdict in VERDICTS}
    metrics |= {b.name.replace(" ", "_") + "_score": b.score for b in result.baselines}
    for baseline in result.baselines:
        name = baseline.name.replace(" ", "_") + "_score"
        metrics |= {f"{name}.{metric}": mean for metric, mean in baseline.means.items()}
    if best is not None:
        metrics |= {"score": best.score, "score_std": best.std}
        metrics |= {"epochs": best.epoch} if best.epoch else {}
        metrics |= {f"score.{name}": mean for name, mean in best.means.items()}
    if nested is not None:
        metrics |= {"nested_score": nested.score, "nested_score_std": nested.std}
    return metrics


def _tables(result: Result) -> dict[str, Any]:
    diverged = [(o, o.divergence) for o in result.outcomes.values() if o.divergence is not None]
    tables: dict[str, Any] = {
        "divergences": [{"trial": o.number, "code": d.code, "reason": d.reason} for o, d in diverged]
    }
    if result.against:
        tables["baselines"] = [{"baseline": name, **asdict(d)} for name, d in result.against.items()]
    if result.rivals:
        tables["comparison"] = [{"trial": number, **asdict(d)} for number, d in result.rivals.items()]
    smaller = front(result.outcomes)
    if len(smaller) > 1:
        tables["front"] = [{"trial": o.number, "score": o.score, "n_weights": o.n_weights} for o in smaller]
    if result.diagnosis is not None:
        tables["diagnosis"] = result.diagnosis.to_dict()
    return tables
