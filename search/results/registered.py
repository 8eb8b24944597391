"""What is said of the registered model of a search: what it enters the registry with, its metrics, and its worth in words."""

from __future__ import annotations

import re

from search.cv.folds import Folds
from search.formatting import metric, number
from search.results.judgment import judgment
from search.results.result import Result
from search.tracking.contents.entrants import Entrant
from search.tracking.naming.markdown import code, plain

NAME = re.compile(r"[\w./ -]{1,250}")
"""Names of metrics that MLflow takes."""


def entrant(result: Result, folds: Folds, scorer: str, data: str) -> Entrant | None:
    """Return what the best configuration enters the registry with; None if there is none.

    Parameters
    ----------
    result : Result
    folds : Folds
    scorer : str
        What scores depend on beside the metric's name.
    data : str
        Fingerprint of the rows; empty if it is not known.
    """
    best = result.best
    if best is None:
        return None
    name, sign = metric(result.scoring)
    scoring = f"{result.scoring} {scorer}".strip()
    value = number(sign * best.score)
    return Entrant(best.score, scoring, data, folds.fingerprint, name, value, best.number, best.params)


def metrics(result: Result) -> dict[str, float]:
    """Return the metrics of the model, and of the baselines that it was compared with.

    ``score`` and ``score_std`` are the scorer's. Under the plain name of a metric it is as people say it: an error is positive.
    """
    best = result.best
    if best is None:
        return {}
    name, sign = _plain(result.scoring)
    found = {"score": best.score, "score_std": best.std, name: sign * best.score, f"{name}_std": best.std}
    for scoring, mean in best.means.items():
        other, other_sign = _plain(scoring)
        found.setdefault(f"score.{scoring}", mean)
        found.setdefault(other, other_sign * mean)
    for baseline in result.baselines:
        title = baseline.name.replace(" ", "_")
        found |= {f"{title}_score": baseline.score, f"{title}_{name}": sign * baseline.score}
    if result.nested is not None:
        found |= {"nested_score": result.nested.score, "nested_score_std": result.nested.std}
        found[f"nested_{name}"] = sign * result.nested.score
    return {name: float(value) for name, value in found.items() if NAME.fullmatch(name)}


def _plain(scoring: str) -> tuple[str, int]:
    """Return the name of a metric without its sign, and the sign.

    >>> _plain("neg_mean_absolute_error"), _plain("r2")
    (('mean_absolute_error', -1), ('r2', 1))
    """
    return scoring.removeprefix("neg_"), metric(scoring)[1]


def card(result: Result) -> str:
    """Return what a model is worth, in Markdown: the judgment, then the score, how it was found, and what else was tried."""
    best = result.best
    worth = " ".join(f"**{plain(line)}**" for line in judgment(result))
    if best is None:
        return worth
    name, sign = metric(result.scoring)
    score = f"{plain(name)} {number(sign * best.score)} ± {number(best.std, best.score)} ({plain(result.scheme)})"
    found = f"Trial {best.number} of {len(result.outcomes)} of the study {code(result.name)}, by {plain(result.method)} search"
    others = ", ".join(f"{plain(b.name)} {number(sign * b.score)}" for b in result.baselines)
    compared = f" On the same folds: {others}." if others else ""
    return "\n\n".join(filter(None, [worth, f"{found}: {score}.{compared}"]))
