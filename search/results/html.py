"""The HTML summary below scikit-learn's diagram of a fitted search, in a notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from bpmodel.names.visible import visible
from search.formatting import metric, number
from search.trials.outcomes import VERDICTS

ROWS = 5
"""Configurations that are listed."""

STYLE = "font-family: monospace; font-size: 0.9em; margin-top: 0.6em; line-height: 1.5"


def summary(results: Mapping[str, Any], name: str, scoring: str, advice: Sequence[str] = ()) -> str:
    """Return HTML: how many configurations ended how, the best ones with their hyperparameters, and advice on the space.

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
        f'<b style="color: {row.color}">{counts[verdict]} {verdict}</b>'
        for verdict, row in VERDICTS.items()
        if counts[verdict]
    )
    best = [i for i in np.argsort(results[f"rank_test_{name}"], kind="stable") if VERDICTS[verdicts[i]].rank == 0]
    lines = [f"{len(verdicts)} configurations: {ended}", *(escape(visible(line)) for line in advice)]
    if best:
        lines.insert(1, _table(results, best[:ROWS], name, scoring))
    return f'<div style="{STYLE}">{"<br>".join(lines)}</div>'


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
