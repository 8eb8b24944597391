"""The table of findings: what is looked for in a table, in which order, and what is written because of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import NamedTuple

from search.profiling import classes, copies, formulas, groups, identifiers, leaks, sentinels, size, target, time_order
from search.profiling.evidence import Evidence
from search.profiling.finding import Change, Finding


class Kind(NamedTuple):
    """A kind of finding, or two that are found together."""

    codes: tuple[str, ...]
    detect: Callable[[Evidence], Iterable[Finding]]
    settled: bool = False
    """Whether the rows below do not look at the columns that were found."""
    of_features: bool = False
    """Whether it looks at all columns that are not left out, also at settled ones."""


FINDINGS = (
    Kind(("missing_target",), target.missing_targets),
    Kind(("parts_of_date",), time_order.parts_of_dates),
    Kind(("constant",), identifiers.constants, settled=True),
    Kind(("row_number",), identifiers.row_numbers, settled=True),
    Kind(("identifier",), identifiers.identifiers, settled=True),
    Kind(("sentinel",), sentinels.sentinels),
    Kind(("copy", "near_copy"), copies.copies, settled=True),
    Kind(("time",), time_order.time_columns, settled=True),
    Kind(("leak",), leaks.leaks, settled=True),
    Kind(("formula",), formulas.formulas, settled=True),
    Kind(("repeated_rows", "contradicting_rows"), copies.repeated_rows, of_features=True),
    Kind(("group",), groups.groups),
    Kind(("rare_class",), classes.rare_classes),
    Kind(("small_class",), classes.small_classes),
    Kind(("skewed_target",), target.skewed_target),
    Kind(("outlier",), target.outliers),
    Kind(("zeros",), target.zeros),
    Kind(("few_rows",), size.few_rows),
    Kind(("wide",), size.wide),
)
"""What a column is settles what else is asked of it: an identifier that is in the order of the target is no leak."""


def findings(e: Evidence) -> list[Finding]:
    """Return what is odd about a table, in the order of `FINDINGS`; the keys that it proposes fit each other."""
    found: list[Finding] = []
    left = e
    for kind in FINDINGS:
        new = list(kind.detect(e.without(dropped(found)) if kind.of_features else left))
        found += new
        if kind.settled:
            left = left.without({name for finding in new for name in finding.columns})
    return _agreed(e, found)


def keys(found: Iterable[Finding], table: str) -> list[tuple[Change, Finding]]:
    """Return the changes of one table of a study file, each with its finding."""
    return [(change, finding) for finding in found for change in finding.changes if change.table == table]


def dropped(found: Iterable[Finding]) -> list[str]:
    """Return the columns that are left out."""
    return [
        name for change, _ in keys(found, "data") if change.key == "drop" and change.active for name in change.value
    ]


def _agreed(e: Evidence, found: list[Finding]) -> list[Finding]:
    """Turn keys into comments that would contradict others, or leave no column to learn from."""
    active = {change.key: change for finding in found for change in finding.changes if change.active}
    off: set[str] = set()
    if "time" in active or "kind" in active:  # folds in time order know no groups and no repeats
        off |= {"group", "repeats"}
    elif "group" in active:
        off.add("repeats")
    without = set(dropped(found)) | ({active["group"].value} if "group" in active and "group" not in off else set())
    if without >= set(map(str, e.X.columns)):
        off |= {"drop", "group"}
    return as_comments(found, off)


def as_comments(found: Iterable[Finding], keys: Collection[str]) -> list[Finding]:
    """Return findings whose changes of these keys are comments."""
    return [
        replace(f, changes=tuple(replace(c, active=c.active and c.key not in keys) for c in f.changes)) for f in found
    ]
