"""The lines of a study file that findings ask for."""

from __future__ import annotations

from collections.abc import Sequence

from search.profiling.finding import Finding
from search.profiling.findings import keys
from search.profiling.naming import quoted, toml

MARGIN = "    # "


def lines(found: Sequence[Finding], table: str, given: dict[str, object] | None = None) -> str:
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
    values = {key: (value, "") for key, value in (given or {}).items()}
    for change, finding in changes:
        if change.active:
            values[change.key] = (change.value, f"{MARGIN}{change.why or finding.why}")
    written = [f"{key} = {toml(value)}{why}\n" for key, (value, why) in values.items()]
    written += [f"# {c.key} = {toml(c.value)}{MARGIN}{c.why or f.why}\n" for c, f in changes if not c.active]
    return (_drop(found) if table == "data" else "") + "".join(written)


def _drop(found: Sequence[Finding]) -> str:
    """Return the columns to leave out, one line each if there are several, so that each comment can be taken up by itself."""
    changes = [(change, finding) for change, finding in keys(found, "data") if change.key == "drop"]
    if not changes:
        return ""
    if len(changes) == 1:
        ((change, finding),) = changes
        return f"{'' if change.active else '# '}drop = {toml(change.value)}{MARGIN}{finding.why}\n"
    rows = "".join(
        f"    {'' if change.active else '# '}{quoted(change.value[0])},{MARGIN}{finding.why}\n"
        for change, finding in changes
    )
    return f"drop = [\n{rows}]\n"
