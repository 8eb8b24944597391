"""Whether the best trial is really better than the next ones, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.formatting import metric, number, p_said, p_value
from search.report.digits import between, decimals, fixed
from search.report.markup import Markup, section, sentence, short, table, tag
from search.report.sources import Source
from search.results.paired_test import CONFIDENCE, Difference
from search.trials.outcomes import Outcome, order

MOST_TRIALS, MOST_PARAMS = 10, 8


def gain(source: Source) -> Markup:
    """Return the section; empty without a best trial."""
    result = source.result
    if result.best is None:
        return Markup()
    ranked = sorted((o for o in result.outcomes.values() if o.healthy), key=order)
    if len(ranked) < 2:
        told = "Only one trial finished healthy: there is no runner-up to compare it with."
        return section("gain", "Is the gain over the runner-up real?", tag("p", told))
    return section("gain", "Is the gain over the runner-up real?", *_verdict(source), _table(source, ranked))


METHOD = (
    f"Trials are compared fold by fold ({CONFIDENCE:.0%}, corrected resampled t-test). The best one was chosen on these folds, "
    "so what separates it from the next is at most as sure as this says."
)


def _verdict(source: Source) -> list[Markup]:
    rivals = source.result.rivals
    if not rivals:
        return [tag("p", "A single fold cannot tell: the difference may be chance.", class_="said")]
    second, found = next(iter(rivals.items()))
    answer, same = verdict(second, found), [n for n, d in rivals.items() if not d.distinguishable]
    if len(same) > 1:
        listed = f"{', '.join(map(str, same[:-1]))} and {same[-1]}"
        answer += f" Trials {listed} are as good on these folds: take the smallest or the simplest of them."
    return [tag("p", sentence(answer), class_="said"), tag("p", METHOD, class_="soft")]


def verdict(second: int, found: Difference) -> str:
    """Say whether the best trial is better than the next one; a next one with fewer seeds may have the better mean.

    >>> verdict(3, Difference(-1.5, 0.5, 0.002)), verdict(3, Difference(-0.5, 1.0, 0.4))[:13]
    ('Yes: trial 3 is worse by 1.5 on average over the folds (p = 0.002).', 'Not on these ')
    """
    if found.mean == 0:
        return f"Not on these folds: trial {second} scores the same."
    p = p_said(found.p_value)
    if found.mean > 0:
        by = f"by {number(found.mean)} ({p}), but was evaluated with fewer seeds"
        return f"Not on these folds: trial {second} scores better {by}."
    by = f"is worse by {number(-found.mean)} on average over the folds ({p})"
    return (
        f"Yes: trial {second} {by}."
        if found.distinguishable
        else f"Not on these folds: trial {second} {by}: chance may do that."
    )


def _table(source: Source, ranked: list[Outcome]) -> Markup:
    """Return the best trials, a row each: scores first, then what was searched."""
    shown = ranked[:MOST_TRIALS]
    scores = _scores(source, shown)
    params = list(dict.fromkeys(param for o in shown for param in o.params))[:MOST_PARAMS]
    searched = {short(p): [short(number(o.params[p])) if p in o.params else "" for o in shown] for p in params}
    columns = [*scores.items(), *searched.items()]
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    first = " (those evaluated with more seeds first)" if any(o.seed_scores for o in shown) else ""
    title = f"The best {len(shown)} of {len(ranked):,} healthy trials{first}"
    heads = [head for head, _ in columns]
    return table(heads, rows, numbers=range(1, len(scores)), caption=title, own=0)


def _scores(source: Source, shown: Sequence[Outcome]) -> dict[str, list[str]]:
    """Return the columns of scores and tests by their heads."""
    name, sign = metric(source.result.scoring)
    places = decimals(o.std for o in shown)
    columns = {"trial": [str(o.number) for o in shown]}
    if any(o.seed_scores for o in shown):
        columns["seeds ± std"] = [_seeds(o, places) for o in shown]
    columns[f"{name} ± std"] = [f"{fixed(sign * o.score, places)} ± {fixed(o.std, places)}" for o in shown]
    if rivals := source.result.rivals:
        found, finer = [rivals.get(o.number) for o in shown], decimals(d.half_width for d in rivals.values())
        columns["worse by"] = [fixed(0.0 - d.mean, finer) if d else "" for d in found]
        columns[f"{CONFIDENCE:.0%} interval"] = [between(-d.mean, d.half_width, finer) if d else "" for d in found]
        columns["p"] = [p_value(d.p_value) if d else "" for d in found]
    if any(o.n_weights for o in shown):
        columns["weights"] = [f"{o.n_weights:,}" if o.n_weights else "" for o in shown]
    if any(o.epoch for o in shown):
        columns["epochs"] = [str(o.epoch) if o.epoch else "" for o in shown]
    return columns


def _seeds(outcome: Outcome, places: int | None) -> str:
    """Return how often a trial was evaluated, and how much that changed its score."""
    if not outcome.seed_scores:
        return "1"
    return f"{len(outcome.seed_scores)} ± {fixed(float(np.std(outcome.seed_scores)), places)}"
