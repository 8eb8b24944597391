"""Studies as plain data, for `--json`; `docs/models.md` lists the keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from search.catalog.comparison import Comparison
from search.catalog.entries import Entry
from search.formatting import metric
from search.tracking.models.registry import Version


def listed(found: Sequence[Entry]) -> dict[str, Any]:
    """Return the result of `bpsearch list`."""
    return {"studies": [line(entry) for entry in found]}


def line(entry: Entry) -> dict[str, Any]:
    """Return what a list tells of a study."""
    name, sign = metric(entry.scoring or "")
    champion, challenger = entry.kept.champion, entry.kept.challenger
    return {
        "name": entry.name,
        "task": entry.task,
        "data": entry.data,
        "method": entry.method,
        "trials": entry.counts,
        "scoring": entry.scoring,
        "metric": name or None,
        "score": None if entry.score is None else sign * entry.score,
        "std": entry.std,
        "when": moment(entry.when),
        "running": entry.running,
        "champion": None if champion is None else champion.number,
        "challenger": None if challenger is None else challenger.number,
        "problem": entry.problem or None,
    }


def shown(entry: Entry, study: dict[str, Any] | None) -> dict[str, Any]:
    """Return the result of `bpsearch show`; `study` is what `tune --json` prints, if that is known."""
    return {
        **line(entry),
        "params": dict(entry.params),
        "study": study,
        "file": entry.about.get("file"),
        "journals": [str(path) for path in entry.files],
        "versions": [version(each) for each in entry.kept.versions],
    }


def version(found: Version) -> dict[str, Any]:
    """Return what is told of a version of a model."""
    return {
        "version": found.number,
        "uri": found.uri,
        "aliases": list(found.aliases),
        "when": moment(found.created),
        "description": found.description,
    }


def compared(found: Comparison) -> dict[str, Any]:
    """Return the result of `bpsearch compare`."""
    return {
        "names": found.names,
        "metric": found.metric,
        "rows": found.rows,
        "params": found.params,
        "tests": [
            {"first": a, "second": b, "difference": d.mean, "half_width": d.half_width, "p_value": d.p_value}
            for (a, b), d in found.differences.items()
        ],
        "sentences": found.sentences,
    }


def moment(seconds: float) -> str | None:
    """Return a time in the form of ISO 8601, in UTC; None for 0.

    >>> moment(86400.0), moment(0.0)
    ('1970-01-02T00:00:00+00:00', None)
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else None
