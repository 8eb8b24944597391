"""The HTML summary below scikit-learn's diagram of a fitted search, in a notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from bpmodel.names.visible import visible
from search.formatting import metric, number
from search.results.history_svg import history
from search.trials.outcomes import VERDICTS

ROWS = 5
"""Configurations that are listed."""

STYLE = "font-family: monospace; font-size: 0.9em; margin-top: 0.6em; line-height: 1.5"


def summary(results: Mapping[str, Any], name: str, scoring: str, advice: Sequence[str] = ()) -> str:
    """Return HTML: the best configuration, how many ended how, all in a drawing, the best in a table, and advice on the space.

    Parameters
    ----------
    results : dict of str to array
        `cv_results_` of a `BPSearchCV`.
    name : str
        The metric that decides, as the keys of `results` call it.
    scoring : str
        The same as scikit-learn calls it, such as ``"neg_mean_squared_error"``: errors are shown as positive numbers.
    advice : sequence of str

    Examples
    --------
    >>> results = {"params": [{"alpha": 0.1}], "mean_test_score": np.array([-3.0]), "std_test_score": np.array([1.0])}
    >>> results |= {"rank_test_score": np.array([1]), "verdict": np.array(["ok"]), "n_epochs": np.array([7])}
    >>> html = summary(results, "score", "neg_mean_squared_error")
    >>> [text in html for text in ("1 ok", "mean squared error", "<td>3</td>", "<td>0.1</td>")]
    [True, True, True, True]
    """
    verdicts = list(results["verdict"])
    counts = Counter(verdicts)
    ended = ", ".join(
        f"{swatch(row.color)}<b>{counts[verdict]} {verdict}</b>" for verdict, row in VERDICTS.items() if counts[verdict]
    )
    best = [i for i in np.argsort(results[f"rank_test_{name}"], kind="stable") if VERDICTS[verdicts[i]].rank == 0]
    lines = [f"{len(verdicts)} configurations: {ended}"]
    if best:
        drawn = history(verdicts, results[f"mean_test_{name}"])
        lines = [_answer(results, best[0], name, scoring), *lines, *filter(None, [drawn])]
        lines.append(_table(results, best[:ROWS], name, scoring))
    lines += [escape(visible(line)) for line in advice]
    return f'<div style="{STYLE}">{"<br>".join(lines)}</div>'


def swatch(color: str) -> str:
    """Return a small square of a color, with an edge in that of the text: it is seen on light and on dark pages."""
    return (
        f'<span style="display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.3em; background: {color}; '
        'border: 1px solid currentColor"></span>'
    )


def _answer(results: Mapping[str, Any], best: int, name: str, scoring: str) -> str:
    """Return the line with the best score and its hyperparameters."""
    label, sign = metric(scoring)
    score, std = float(results[f"mean_test_{name}"][best]), float(results[f"std_test_{name}"][best])
    values = ", ".join(f"{param} = {number(value)}" for param, value in results["params"][best].items())
    told = f"best {label}: {number(sign * score)} \N{PLUS-MINUS SIGN} {number(std, score)} (configuration {best})"
    return f"<b>{escape(visible(told))}</b>{f': {escape(visible(values))}' if values else ''}"


def _table(results: Mapping[str, Any], best: Sequence[int], name: str, scoring: str) -> str:
    label, sign = metric(scoring)
    params = list(dict.fromkeys(param for i in best for param in results["params"][i]))
    rows = [_row(["", label, "std over the folds", "epochs", *params], "th")]
    for i in best:
        score, std = float(results[f"mean_test_{name}"][i]), float(results[f"std_test_{name}"][i])
        own = results["params"][i]
        values = [number(own[param]) if param in own else "" for param in params]
        rows.append(_row([i, number(sign * score), number(std, score), results["n_epochs"][i], *values], "td"))
    return f"<table>{''.join(rows)}</table>"


def _row(cells: Sequence[Any], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(visible(cell))}</{tag}>' for cell in cells)}</tr>"
