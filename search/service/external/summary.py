"""What the parent run of an external study says once it is complete. Figures of networks have no place here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from search.formatting import metric, number, short
from search.study.external import SOURCE, External
from search.tracking.contents import scores
from search.tracking.contents.runs import Report
from search.tracking.naming.markdown import plain
from search.trials.outcomes import VERDICTS, Outcome, winner


def summary(study: External, outcomes: Sequence[Outcome]) -> Report:
    """Return parameters, metrics and description of the parent run, given the finished trials.

    Examples
    --------
    >>> from search.study import external
    >>> text = ['name = "mine"', 'direction = "minimize"', 'metric = "rmse"', "[space]", "depth = [2, 4]"]
    >>> trials = [Outcome(0, {"depth": 4}, "ok", "", [-2.5], 0, {}, {}, 1.0), Outcome(1, {}, "diverged", "", [], 0, {}, {}, 1.0)]
    >>> print(summary(external.parse(chr(10).join(text)), trials).summary)
    **rmse 2.5** in trial 0 of 2, trained by clients
    <BLANKLINE>
    1 finished, 1 diverged
    <BLANKLINE>
    - depth = 4
    """
    counts = Counter(outcome.verdict for outcome in outcomes)
    told = ", ".join(f"{counts[name]} {verdict.label}" for name, verdict in VERDICTS.items() if counts[name])
    metrics = {
        "trials": len(outcomes),
        "total_seconds": sum(outcome.seconds for outcome in outcomes),
        **{f"trials_{verdict}": counts[verdict] for verdict in VERDICTS},
    }
    best = winner({outcome.number: outcome for outcome in outcomes})
    if best is None:
        return Report({}, metrics, f"**No trial finished healthy**: {len(outcomes)} trials, {SOURCE}\n\n{told}")
    metrics |= scores.plain({study.scoring: best.score}) | {"score": best.score}
    said = f"**{plain(short(study.scoring))} {number(metric(study.scoring)[1] * best.score)}**"
    params = "\n".join(f"- {plain(name)} = {plain(str(value))}" for name, value in best.params.items())
    text = f"{said} in trial {best.number} of {len(outcomes)}, {SOURCE}\n\n{told}\n\n{params}"
    return Report({f"best.{name}": value for name, value in best.params.items()}, metrics, text)
