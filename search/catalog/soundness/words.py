"""A verification in words and as plain data; `docs/models.md` lists the keys."""

from __future__ import annotations

from typing import Any

from search.catalog.soundness.verification import FOUND, LEFT, REPAIRED, Difference, Verified


def line(each: Difference) -> str:
    """Return a difference in one line: the study, the kind, what it is, and what becomes of it."""
    return ": ".join(filter(None, [each.finding.study, each.finding.kind, each.finding.told])) + _becomes(each)


def _becomes(each: Difference) -> str:
    if each.state == LEFT:
        return f" (left{f': {each.why}' if each.why else ''})"
    return " (repaired)" if each.state == REPAIRED else ""


def summary(found: Verified) -> str:
    """Return how many studies were compared, and how many differences there are.

    >>> summary(Verified(["a", "b"], 7))
    '2 studies with 7 trials: nothing differs'
    """
    compared = [name for name in found.studies if name not in found.running]
    told = f"{_count(len(compared), 'study', 'studies')} with {_count(found.trials, 'trial', 'trials')}"
    counts = {state: sum(each.state == state for each in found.differences) for state in (FOUND, REPAIRED, LEFT)}
    parts = {FOUND: "can be repaired", REPAIRED: "repaired", LEFT: "left"}
    listed = ", ".join(f"{counts[state]} {words}" for state, words in parts.items() if counts[state])
    differ = _count(len(found.differences), "difference", "differences")
    return f"{told}: {f'{differ}: {listed}' if found.differences else 'nothing differs'}"


def document(found: Verified) -> dict[str, Any]:
    """Return the result of `bpsearch verify`."""
    return {
        "studies": found.studies,
        "trials": found.trials,
        "running": found.running,
        "sound": found.is_sound,
        "differences": [
            {
                "study": each.finding.study or None,
                "kind": each.finding.kind,
                "told": each.finding.told,
                "trials": list(each.finding.trials),
                "state": each.state,
                "reason": each.why or None,
            }
            for each in found.differences
        ],
    }


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"
