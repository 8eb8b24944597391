"""What was asked: data, target, metric, folds, space, method and budget, and the study file."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from search.formatting import metric, number
from search.report.markup import Markup, facts, folded, joined, lines, short, table, tag
from search.report.sources import Source

MOST_PARAMETERS, MOST_VALUES = 60, 12
"""Parameters of the space that are listed, and choices of each."""

LONGEST_FILE = 40_000
"""Characters of the study file that the page has."""


def summary(source: Source) -> Markup:
    """Return what was asked in two sentences, and whether the study is finished."""
    result = source.result
    name, sign = metric(result.scoring)
    better = "lower" if sign < 0 else "higher"
    rows = f"{source.about['rows']:,} rows of " if _count(source.about.get("rows")) else ""
    data = [rows, tag("b", short(source.about["data"]))] if source.about.get("data") else [rows.removesuffix(" of ")]
    target = source.about.get("target")
    learned = [", to predict ", tag("b", short(target))] if target else []
    scored = f"Scored by {name} ({better} is better) on {result.scheme}; {_searched(source)}."
    parts = [*data, *learned, ". "] if any(data) else []
    asked = tag("p", *parts, scored, class_="lead")
    return joined([asked, _state(source)])


def _searched(source: Source) -> str:
    result = source.result
    axes, trials = len(result.space.axes), len(result.outcomes)
    noun = "hyperparameter" if axes == 1 else "hyperparameters"
    return f"{result.method} search over {axes} {noun}, {trials:,} {'trial' if trials == 1 else 'trials'}"


def _state(source: Source) -> Markup:
    done, planned = len(source.result.outcomes), _planned(source)
    if source.complete:
        return Markup()
    if planned and done >= planned:
        told = "All trials are done, but the study did not end as it should: run it again to get its model."
        return tag("p", told, class_="state")
    some = f"{done:,} of {planned:,} trials are done" if planned else f"{done:,} trials are done"
    return tag("p", f"This study is not finished: {some}. The report tells what is known so far.", class_="state")


def _planned(source: Source) -> int:
    planned = source.about.get("budget", {}).get("n_trials")
    return int(planned) if _count(planned) else 0


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def details(source: Source) -> Markup:
    """Return all that was asked, folded: facts, space and study file."""
    result, about = source.result, source.about
    counts = Counter(o.verdict for o in result.outcomes.values())
    ended = ", ".join(f"{n:,} {verdict}" for verdict, n in counts.most_common())
    shape = (
        f"{about['rows']:,} by {about['columns']:,}"
        if _count(about.get("rows")) and _count(about.get("columns"))
        else ""
    )
    planned = _planned(source)
    listed = facts(
        [
            ("data", short(about.get("data") or "")),
            ("target", short(about.get("target") or "")),
            ("task", about.get("task") or ""),
            ("rows by columns", shape),
            ("metric", result.scoring),
            ("folds", result.scheme),
            ("method", result.method),
            ("budget", f"{planned:,} trials{_seconds(source)}" if planned else ""),
            ("trials", f"{len(result.outcomes):,} ({ended})" if ended else "none yet"),
            ("loss", result.loss.replace("_", " ")),
        ]
    )
    content = [listed, _space(source)]
    if source.file:
        told = source.file[:LONGEST_FILE] + ("\n…" if len(source.file) > LONGEST_FILE else "")
        content += [folded("Study file", tag("pre", tag("code", lines(told.rstrip("\n"))), tabindex="0"))]
    more = " and study file" if source.file else ""
    return folded(f"Everything that was asked: data, space, budget{more}", *content)


def _seconds(source: Source) -> str:
    limit = source.about.get("budget", {}).get("timeout")
    return f", at most {number(float(limit))} s" if isinstance(limit, int | float) else ""


def _space(source: Source) -> Markup:
    space = source.result.space.parameters
    rows = [(short(name), described(d.describe())) for name, d in list(space.items())[:MOST_PARAMETERS]]
    more = len(space) - len(rows)
    parts = [tag("h3", "Space"), table(["hyperparameter", "searched"], rows)] if rows else []
    return joined([*parts, tag("p", f"and {more:,} more", class_="soft") if more else Markup()])


def described(searched: Any) -> str:
    """Say what is searched, given what `Dimension.describe` returns.

    >>> described({"low": 0.0001, "high": 1.0, "log": True, "integer": False}), described(["relu", "tanh"])
    ('0.0001 to 1, logarithmic', 'relu, tanh')
    >>> described({"layers": ["1", "2"], "width": {"low": 8, "high": 64}})
    'layers: 1, 2; width: 8 to 64'
    """
    if isinstance(searched, list):
        shown = [_choice(value) for value in searched[:MOST_VALUES]]
        return ", ".join(shown) + (f" and {len(searched) - MOST_VALUES:,} more" if len(searched) > MOST_VALUES else "")
    if not isinstance(searched, dict):
        return short(searched)
    if {"low", "high"} <= searched.keys():
        log = ", logarithmic" if searched.get("log") else ""
        return f"{number(searched['low'])} to {number(searched['high'])}{log}"
    if {"values", "when"} <= searched.keys():
        when = " and ".join(f"{name} = {value}" for name, value in searched["when"].items())
        return short(f"{described(searched['values'])} (if {when})")
    if set(searched) == {"layers", "width"}:
        return "; ".join(f"{key}: {described(value)}" for key, value in searched.items())
    return short(json.dumps(searched, ensure_ascii=False, default=str))


def _choice(text: object) -> str:
    """Return the label of a choice as the tables of trials write it: layers are joined by hyphens."""
    return short(str(text).strip("[]").replace(", ", "-") or "none")
