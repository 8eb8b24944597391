"""The report that a tracker receives at the end of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from matplotlib.figure import Figure

from search.plots import gallery, interactive
from search.plots.subject import subject
from search.results import divergences, registered, report
from search.results.result import Result
from search.results.sheets import sheets
from search.tracking import Report
from search.tracking.contents import scores
from search.tracking.contents.runs import PAGE
from search.trials.baselines import Baseline
from search.trials.outcomes import VERDICTS, front

Page = Callable[[Result, Mapping[str, Figure]], str]
"""Maps a result and its figures to the report that people keep, as HTML."""


def tracking_report(result: Result, page: Page | None = None) -> Report:
    """Return parameters, metrics, summary, figures, tables and, if it is to have one, the page of the parent run."""
    best, nested, drawn = result.best, result.nested, subject(result)
    figures = gallery.figures(drawn)
    return Report(
        params={f"best.{name}": value for name, value in best.params.items()} if best else {},
        metrics=_metrics(result),
        steps={"outer_score": nested.scores} if nested else {},
        summary=report.summary(result),
        verdict=registered.card(result),
        model={} if result.model is None else registered.metrics(result),
        figures=figures,
        tables=_tables(result),
        pages=interactive.pages(drawn),
        sheets=sheets(result),
        texts=_texts(result) | ({} if page is None else {PAGE: page(result, figures)}),
    )


def _metrics(result: Result) -> dict[str, float]:
    best, nested = result.best, result.nested
    counts = Counter(o.verdict for o in result.outcomes.values())
    metrics: dict[str, float] = _spent(result) | {f"trials_{verdict}": counts[verdict] for verdict in VERDICTS}
    for baseline in result.baselines:
        metrics |= _of_baseline(baseline, result.scoring)
    if best is not None:
        metrics |= {"score": best.score, "score_std": best.std}
        metrics |= {"epochs": best.epoch} if best.epoch else {}
        metrics |= {f"score.{name}": mean for name, mean in best.means.items()}
        metrics = scores.plain({result.scoring: best.score, **best.means}) | metrics
    if nested is not None:
        metrics |= {"nested_score": nested.score, "nested_score_std": nested.std}
        metrics |= {f"nested_{name}": mean for name, mean in scores.plain({result.scoring: nested.score}).items()}
    return metrics


def _spent(result: Result) -> dict[str, float]:
    """Return what the study has spent: trials, their seconds, and the epochs that they were trained for."""
    outcomes = result.outcomes.values()
    epochs = (max(len(o.losses.get("training", ())), o.last_checkpoint) for o in outcomes)
    return {"trials": len(outcomes), "total_seconds": sum(o.seconds for o in outcomes), "total_epochs": sum(epochs)}


def _of_baseline(baseline: Baseline, scoring: str) -> dict[str, float]:
    name = baseline.name.replace(" ", "_")
    metrics = {f"{name}_score": baseline.score}
    metrics |= {f"{name}_score.{metric}": mean for metric, mean in baseline.means.items()}
    said = scores.plain({scoring: baseline.score, **baseline.means})
    return {f"{name}_{metric}": mean for metric, mean in said.items()} | metrics


def _texts(result: Result) -> dict[str, str]:
    told = divergences.in_words(result.outcomes, result.space)
    return {"divergences.md": told} if told else {}


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
