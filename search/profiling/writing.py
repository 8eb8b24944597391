"""The lines of a study file that findings ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.profiling.finding import Finding
from search.profiling.findings import keys
from search.profiling.naming import comment, pair, toml

MARGIN = "    "


def lines(found: Sequence[Finding], table: str, given: Mapping[str, object] | None = None) -> str:
    """Return the lines of one table, each with its reason: keys, and comments for what the user must decide.

    Parameters
    ----------
    given : dict, optional
        Keys that stand there anyway; a finding may replace their values.

    Examples
    --------
    >>> from search.profiling.finding import drop
    >>> print(lines([Finding("row_number", ("Id",), "…", "row number", drop("Id"))], "data"), end="")
    drop = ["Id"]    # row number
    """
    changes = [(change, finding) for change, finding in keys(found, table) if change.key != "drop"]
    why = {c.key: f"{MARGIN}{comment(c.why or finding.why)}" for c, finding in changes if c.active}
    kept = values(found, table, given)
    kept.pop("drop", None)
    written = [f"{pair(key, value)}{why.get(key, '')}\n" for key, value in kept.items()]
    written += [f"# {pair(c.key, c.value)}{MARGIN}{comment(c.why or f.why)}\n" for c, f in changes if not c.active]
    return (_drop(found) if table == "data" else "") + "".join(written)


def values(found: Sequence[Finding], table: str, given: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the keys of one table and their values, as the lines mean them.

    >>> from search.profiling.finding import drop
    >>> values([Finding("row_number", ("Id",), "…", "row number", drop("Id"))], "data", {"encoding": "cp1250"})
    {'encoding': 'cp1250', 'drop': ['Id']}
    """
    meant = dict(given or {})
    for change, _ in keys(found, table):
        if change.active:
            meant[change.key] = [*meant.get(change.key, []), *change.value] if change.key == "drop" else change.value  # type: ignore[misc]
    if table == "data" and "drop" not in meant and len([c for c, _ in keys(found, table) if c.key == "drop"]) > 1:
        meant["drop"] = []  # a list of comments
    return meant


def _drop(found: Sequence[Finding]) -> str:
    """Return the columns to leave out, one line each if there are several, so that each comment can be taken up by itself."""
    changes = [(change, finding) for change, finding in keys(found, "data") if change.key == "drop"]
    if not changes:
        return ""
    if len(changes) == 1:
        ((change, finding),) = changes
        return f"{'' if change.active else '# '}{pair('drop', change.value)}{MARGIN}{comment(finding.why)}\n"
    rows = "".join(
        f"    {'' if change.active else '# '}{toml(change.value[0])},{MARGIN}{comment(finding.why)}\n"
        for change, finding in changes
    )
    return f"drop = [\n{rows}]\n"
