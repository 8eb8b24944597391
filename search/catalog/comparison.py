"""Studies, or versions of models, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from search.catalog import entries
from search.catalog.entries import Entry
from search.errors import StudyError
from search.formatting import metric, number
from search.results import paired_test
from search.results.paired_test import Difference
from search.tracking.models import registry

N_SPLITS = 5
"""Folds where the journal does not say how many rows they train on: then validation rows are a quarter of the training rows."""


@dataclass(frozen=True)
class Side:
    """One of the things that are compared.

    Attributes
    ----------
    title : str
    facts : dict
        What to show, by label.
    scoring : str
    score, std : float, optional
        With the scorer's sign.
    fold_scores : tuple of float
        Empty if they are not known.
    folds : tuple
        Two sides with equal `folds` have the same rows in the same folds; empty if that is not known.
    ratio : float
        Validation rows over training rows.
    params : mapping
    """

    title: str
    facts: Mapping[str, Any]
    scoring: str
    score: float | None = None
    std: float | None = None
    fold_scores: tuple[float, ...] = ()
    folds: tuple[Any, ...] = ()
    ratio: float = 1 / (N_SPLITS - 1)
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Sides, a column each.

    Attributes
    ----------
    names : list of str
    metric : str
        Label of the row with the scores.
    rows, params : dict of str to list
        Cells by label; hyperparameters only where they differ.
    differences : dict
        The paired test of two sides, by their titles; positive where the first is better.
    sentences : list of str
    """

    names: list[str]
    metric: str
    rows: dict[str, list[Any]]
    params: dict[str, list[Any]]
    differences: dict[tuple[str, str], Difference]
    sentences: list[str]


def side(uri: str, text: str) -> Side:
    """Return what a name stands for: a study, or with ``/VERSION`` or ``@ALIAS`` a version of its model.

    Raises
    ------
    StudyError
        If there is no such study or version.
    """
    given = text.removeprefix(registry.URI)
    if not given.endswith(".toml") and ("/" in given or "@" in given):
        name, version = registry.named(registry.URI + given)
        return of_version(uri, name, version)
    name, _ = registry.named(text)
    return of_study(entries.entry(uri, name))


def of_study(entry: Entry) -> Side:
    """Return a study as a side."""
    identity = {} if entry.stored is None else entry.stored.notes.get("identity", {})
    cv, data = identity.get("[cv]", {}), identity.get("[data]", {})
    known = cv.get("folds") and data.get("rows")
    best, champion = entry.best, entry.kept.champion
    facts = {
        "data": entry.data,
        "rows": entry.about.get("rows") or entry.kept.params.get("data_rows"),
        "folds": entry.scheme,
        "method": entry.method,
        "trials": sum(entry.counts.values()),
        "diverged": entry.counts["diverged"],
        "weights": (best.n_weights or None) if best else None,
        "epochs": (best.epoch or None) if best else None,
        "model": None if champion is None else f"version {champion.number}",
    }
    return Side(
        entry.name,
        facts,
        entry.scoring or "",
        entry.score,
        entry.std,
        tuple(best.fold_scores) if best else (),
        (data["rows"], data.get("target"), cv["folds"]) if known else (),
        entry.about.get("ratio") or 1 / max(cv.get("n_splits", N_SPLITS) - 1, 1),
        entry.params,
    )


def of_version(uri: str, name: str, version: str | None) -> Side:
    """Return a version of a model as a side."""
    found = registry.facts(uri, name, version)
    run = registry.run(uri, found.version)
    study = found.study
    facts = {
        "data": study.get("data") or run.params.get("data"),
        "rows": study.get("rows") or run.params.get("data_rows"),
        "folds": run.params.get("cv"),
        "method": run.params.get("method"),
        "trials": int(sum(value for key, value in run.metrics.items() if key.startswith("trials_"))) or None,
        "model": f"version {found.version.number}",
    }
    scoring = (study.get("scoring") or run.params.get("scoring", "").split(", "))[0]
    params = {key.removeprefix("best."): value for key, value in run.tags.items() if key.startswith("best.")}
    title = f"{name}/{found.version.number}"
    return Side(title, facts, scoring, run.metrics.get("score"), run.metrics.get("score_std"), params=params)


def compare(sides: Sequence[Side]) -> Comparison:
    """Put sides next to each other; two that were scored on the same folds by the same metric are tested.

    Raises
    ------
    StudyError
        If there are fewer than two.
    """
    if len(sides) < 2:
        raise StudyError("compare needs two names or more: studies, or NAME/VERSION")
    titles = [side.title for side in sides]
    scorings = {side.scoring for side in sides}
    label = metric(sides[0].scoring)[0] if len(scorings) == 1 else "score"
    rows: dict[str, list[Any]] = {} if len(scorings) == 1 else {"metric": [metric(side.scoring)[0] for side in sides]}
    rows[label] = [None if side.score is None else metric(side.scoring)[1] * side.score for side in sides]
    rows["std over the folds"] = [side.std for side in sides]
    for fold in range(max(len(side.fold_scores) for side in sides)):
        rows[f"fold {fold + 1}"] = [
            metric(side.scoring)[1] * side.fold_scores[fold] if fold < len(side.fold_scores) else None for side in sides
        ]
    labels = dict.fromkeys(key for side in sides for key in side.facts)
    every = {key: [side.facts.get(key) for side in sides] for key in labels}
    rows |= {key: cells for key, cells in every.items() if any(cell is not None for cell in cells)}
    names = dict.fromkeys(name for side in sides for name in side.params)
    params = {name: [side.params.get(name) for side in sides] for name in names}
    params = {name: cells for name, cells in params.items() if len(set(map(str, cells))) > 1}
    differences = {
        (a.title, b.title): paired_test.difference(a.fold_scores, b.fold_scores, a.ratio)
        for a, b in combinations(sides, 2)
        if _same_folds(a, b)
    }
    return Comparison(titles, label, rows, params, differences, _sentences(sides, differences))


def _same_folds(a: Side, b: Side) -> bool:
    return bool(
        a.folds and a.folds == b.folds and a.scoring == b.scoring and len(a.fold_scores) == len(b.fold_scores) > 1
    )


def _sentences(sides: Sequence[Side], differences: Mapping[tuple[str, str], Difference]) -> list[str]:
    said = []
    for a, b in combinations(sides, 2):
        found = differences.get((a.title, b.title))
        if found is None:
            why = _why_not(a, b)
            said.append(f"{a.title} and {b.title} are not tested against each other: {why}.")
        elif found.distinguishable:
            better, worse = (a, b) if found.mean > 0 else (b, a)
            said.append(
                f"{better.title} is better than {worse.title} by {number(abs(found.mean))} "
                f"(corrected resampled t-test, p = {found.p_value:.2g})."
            )
        else:
            said.append(f"{a.title} and {b.title} are not distinguishable on these folds (p = {found.p_value:.2g}).")
    return said


def _why_not(a: Side, b: Side) -> str:
    if a.scoring != b.scoring:
        return "their metrics differ"
    if not (a.fold_scores and b.fold_scores):
        return "the scores of their folds are not known"
    if a.folds and b.folds and a.folds[:2] != b.folds[:2]:
        return "their data differ"
    return "their folds differ" if len(a.fold_scores) > 1 else "a single fold allows no test"
