"""Results as plain data, for `--json`: scores as people say them, so an error of 53.7 is 53.7 and not -53.7.

`docs/studies.md` lists the keys. They stay as they are; new ones may be added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bpmodel.diagnosis.findings import Diagnosis
from search import formatting
from search.profiling.finding import Finding
from search.profiling.overview import Column
from search.results.judgment import judgment
from search.results.result import Result
from search.tracking.models.registry import Facts
from search.trials.baselines import Baseline
from search.trials.outcomes import VERDICTS, Outcome
from search.trials.subsample import agreement


def study(result: Result) -> dict[str, Any]:
    """Return the result of a study."""
    best, model, nested = result.best, result.model, result.nested
    _, sign = formatting.metric(result.scoring)
    counts = Counter(o.verdict for o in result.outcomes.values())
    shared = agreement(result.outcomes)
    return {
        "name": result.name,
        "method": result.method,
        "scheme": result.scheme,
        **_metric(result.scoring),
        "n_trials": len(result.outcomes),
        "trials": {verdict: counts[verdict] for verdict in VERDICTS},
        "best": None if best is None else {"number": best.number, "params": best.params, **_scored(best, sign)},
        "baselines": _baselines(result.baselines, sign),
        "nested": None
        if nested is None
        else {
            "score": sign * nested.score,
            "std": nested.std,
            "fold_scores": [None if score is None else sign * score for score in nested.scores],
            "baselines": _baselines(nested.baselines, sign),
        },
        "subsample": None if shared is None else shared.document(),
        "judgment": judgment(result),
        "model": None
        if model is None
        else {
            "uri": model.uri,
            "version": model.version,
            "n_networks": result.n_networks,
            "alias": model.alias or None,
            "reason": model.reason or None,
        },
        "problem": result.problem or None,
        "report": result.page or None,
        "unchanged": result.unchanged,
        "notes": list(result.notes),
    }


def configuration(
    name: str, params: Mapping[str, Any], outcome: Outcome, baselines: Sequence[Baseline], scoring: str
) -> dict[str, Any]:
    """Return the result of cross-validating one configuration."""
    _, sign = formatting.metric(scoring)
    return {
        "name": name,
        "params": params,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        **_metric(scoring),
        **_scored(outcome, sign),
        "baselines": _baselines(baselines, sign),
    }


def diagnosed(
    name: str, trial: int | None, params: Mapping[str, Any], found: Sequence[Diagnosis | None]
) -> dict[str, Any]:
    """Return the diagnosis of each fold; None where nothing was probed."""
    folds = [None if diagnosis is None else diagnosis.to_dict() for diagnosis in found]
    return {"name": name, "trial": trial, "params": params, "folds": folds}


def predicted(
    known: Facts, output: Path | None, rows: int, columns: Sequence[str], notes: Sequence[str]
) -> dict[str, Any]:
    """Return what was predicted, and where it is."""
    model = {"model": known.version.name, "version": known.version.number}
    return {**model, "written": str(output), "rows": rows, "columns": list(columns), "notes": list(notes)}


def _metric(scoring: str) -> dict[str, Any]:
    name, sign = formatting.metric(scoring)
    return {"scoring": scoring, "metric": name, "greater_is_better": sign > 0}


def _scored(outcome: Outcome, sign: int) -> dict[str, Any]:
    return {
        "score": sign * outcome.score,
        "std": outcome.std,
        "fold_scores": [sign * score for score in outcome.fold_scores],
        "epochs": outcome.epoch,
        "n_weights": outcome.n_weights or None,
    }


def _baselines(baselines: Sequence[Baseline], sign: int) -> list[dict[str, Any]]:
    return [
        {"name": b.name, "score": sign * b.score, "std": b.std, "fold_scores": [sign * s for s in b.fold_scores]}
        for b in baselines
    ]


def table(columns: Sequence[Column], findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what was found in a table: its columns, and what there is to say about them."""
    return {
        "columns": [asdict(column) for column in columns],
        "findings": [{"code": f.code, "columns": f.columns, "sentence": f.sentence} for f in findings],
    }
