"""Outcomes and notes as the journal has them, in JSON: how they are written, and what must hold of those that are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from search.errors import StudyError
from search.trials.checkpoints import UNDEFINED
from search.trials.outcomes import METRICS, VERDICTS, Divergence, Outcome, courses_of, finite, pool

AGAIN = "again"
"""Key of the study attribute that holds the reevaluations of the best trials."""

MOST_TRIALS = 10**9
"""No trial has this number."""

Holds = Callable[[Any], bool]


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: Any) -> bool:
    """Whether a value is a number that fits a float; infinity and NaN are among them, in journals of older versions."""
    return isinstance(value, float) or (whole(value) and abs(value) < 1 << 1000)


def count(value: Any) -> bool:
    return whole(value) and 0 <= value < MOST_TRIALS


def text(value: Any) -> bool:
    return isinstance(value, str)


def maybe(holds: Holds) -> Holds:
    return lambda value: value is None or holds(value)


def listed(holds: Holds) -> Holds:
    return lambda value: isinstance(value, list) and all(map(holds, value))


def by_name(holds: Holds) -> Holds:
    return lambda value: isinstance(value, dict) and all(map(holds, value.values()))


def by_epoch(holds: Holds) -> Holds:
    return lambda value: by_name(holds)(value) and all(epoch.isdecimal() and len(epoch) < 12 for epoch in value)


def _keys(**required: Holds) -> Holds:
    return lambda value: (
        isinstance(value, dict) and all(k in value and holds(value[k]) for k, holds in required.items())
    )


def _kinds(**known: Holds) -> Holds:
    return lambda value: isinstance(value, dict) and all(holds(value[k]) for k, holds in known.items() if k in value)


def _both(first: Holds, second: Holds) -> Holds:
    return lambda value: first(value) and second(value)


def record_of_trial(value: Any) -> bool:
    return isinstance(value, dict)


def _sample(value: Any) -> bool:
    known = {"fraction": number, "score": maybe(number), "seconds": number}
    return value == {} or (
        _keys(**known)(value) and set(value) <= {*known, "cutoff"} and number(value.get("cutoff", 0))
    )


DIVERGENCE: dict[str, Holds] = {
    "fold": whole,
    "epoch": whole,
    "step": whole,
    "reason": text,
    "ratio": maybe(number),
    "survived": number,
    "findings": listed(_keys(code=text, cause=text, remedy=text, change=maybe(by_name(lambda value: True)))),
}
OUTCOME: dict[str, Holds] = {
    "verdict": lambda value: text(value) and value in VERDICTS,
    "reason": text,
    "fold_scores": listed(number),
    "epoch": whole,
    "curve": by_epoch(maybe(number)),
    "losses": by_name(listed(maybe(number))),
    "seconds": number,
    "divergence": maybe(record_of_trial),
    "repairs": listed(text),
    "metrics": by_name(listed(maybe(number))),
    "train_metrics": by_name(listed(maybe(number))),
    "fit_seconds": listed(number),
    "score_seconds": listed(number),
    "seed_scores": listed(number),
    "n_weights": count,
    "courses": by_name(by_epoch(number)),
    "sample": _sample,
}
NEEDED = {
    Outcome: ("verdict", "reason", "fold_scores", "epoch", "curve", "losses", "seconds", "divergence"),
    Divergence: ("fold", "epoch", "step", "reason", "ratio", "survived"),
}
"""Fields that journals of all versions have."""

BASELINE = _keys(name=text, score=number, std=number, fold_scores=listed(number))
NOTES: dict[str, Holds] = {
    "id": text,
    "identity": lambda value: isinstance(value, dict),
    AGAIN: lambda value: by_name(listed(record_of_trial))(value) and all(n.isdecimal() and len(n) < 10 for n in value),
    "about": _both(
        _keys(
            file=text,
            path=text,
            method=text,
            scheme=text,
            scoring=text,
            baselines=listed(BASELINE),
            ratio=number,
            suspects=listed(listed(text)),
            loss=text,
            notes=listed(text),
        ),
        _kinds(
            data=maybe(text),
            target=maybe(text),
            task=text,
            rows=count,
            columns=count,
            budget=by_name(maybe(number)),
            versions=by_name(text),
        ),
    ),
    "finished": _kinds(
        trials=count,
        uri=text,
        name=maybe(text),
        version=maybe(count),
        n_networks=count,
        outer_scores=listed(maybe(number)),
    ),
    "outer": _kinds(trials=count, score=maybe(number)),
}
"""What the notes on a study must be, by their keys. `search.study` writes the last three."""


def check_note(key: str, value: Any) -> None:
    """Check a note on a study; others than those of `NOTES` may be anything.

    Raises
    ------
    ValueError
        If it is not what it must be.

    Examples
    --------
    >>> check_note("finished", {"trials": "three"})
    Traceback (most recent call last):
    ValueError: the note 'finished' lacks something, or is of another kind
    """
    if key in NOTES and not NOTES[key](value):
        raise ValueError(f"the note {key!r} lacks something, or is of another kind")


def from_record(record: Mapping[str, Any], number: int, params: Mapping[str, Any], where: Path | str | None) -> Outcome:
    """Rebuild an outcome from its record: the inverse of `Outcome.as_json`.

    Raises
    ------
    StudyError
        If the record has a field that this version does not know.
    ValueError
        If a field is missing, or is not what it must be.
    """
    if not isinstance(record, dict):
        raise ValueError("the outcome of a trial must be an object")
    divergence = record.get("divergence")
    for kind, given, rules in ((Outcome, record, OUTCOME), (Divergence, divergence, DIVERGENCE)):
        if given is None and kind is Divergence:
            continue
        if not isinstance(given, dict):
            raise ValueError("a divergence must be an object")
        unknown = sorted(set(given) - {f.name for f in fields(kind)})  # type: ignore[arg-type]
        if unknown:
            raise StudyError(
                f"{where}: trial {number} has {', '.join(unknown)}; allowed are the fields that this version of bpsearch knows. "
                "A newer version wrote this file: use that version, or move the file away to start over"
            )
        _check_fields(given, rules, NEEDED[kind])
    own = {name: value for name, value in record.items() if name != "divergence"}
    outcome = Outcome(number=number, params=params, divergence=Divergence(**divergence) if divergence else None, **own)
    curve = {int(epoch): UNDEFINED if finite(score) is None else score for epoch, score in outcome.curve.items()}
    metrics: Any = {
        kind: {name: [math.nan if v is None else v for v in scores] for name, scores in getattr(outcome, kind).items()}
        for kind in METRICS
    }
    sample = {name: UNDEFINED if value is None else value for name, value in outcome.sample.items()}
    return replace(outcome, curve=curve, courses=courses_of(outcome.courses), sample=sample, **metrics)


def _check_fields(given: Mapping[str, Any], rules: Mapping[str, Holds], needed: tuple[str, ...]) -> None:
    missing = [name for name in needed if name not in given]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
    wrong = [name for name, value in given.items() if name in rules and not rules[name](value)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} is of another kind")


def settled(outcomes: Mapping[int, Outcome], again: Mapping[int, list[Outcome]]) -> dict[int, Outcome]:
    """Return outcomes in the order of their numbers, each pooled over the evaluations of its configuration."""
    return {number: pool(outcomes[number], again.get(number, [])) for number in sorted(outcomes)}
