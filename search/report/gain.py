"""Whether the best trial is really better than the next ones, fold by fold."""

from __future__ import annotations

import numpy as np

from search.formatting import metric, number
from search.report.answer import p_value, span
from search.report.markup import Markup, joined, section, short, table, tag
from search.report.sources import Source
from search.results.paired_test import CONFIDENCE
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
    return section(
        "gain", "Is the gain over the runner-up real?", *_verdict(source, result.best), _table(source, ranked)
    )


def _verdict(source: Source, best: Outcome) -> list[Markup]:
    rivals = source.result.rivals
    if not rivals:
        told = "A single fold cannot tell: the difference may be chance."
        return [tag("p", told, class_="said")]
    (second, found), same = next(iter(rivals.items())), [n for n, d in rivals.items() if not d.distinguishable]
    p = f"p {p_value(found)}" if found.p_value < 0.001 else f"p = {p_value(found)}"
    apart = f"trial {second} is worse by {number(0.0 - found.mean, best.score)} on average over the folds ({p})"
    answer = f"Yes: {apart}." if found.distinguishable else f"Not on these folds: {apart}, which may be chance."
    method = f"Trials are compared fold by fold ({CONFIDENCE:.0%}, corrected resampled t-test). "
    method += (
        "The best one was chosen on these folds, so what separates it from the next is at most as sure as this says."
    )
    if len(same) > 1:
        listed = ", ".join(map(str, same))
        answer += f" Trials {listed} are as good: take the smallest or the simplest of them."
    return [tag("p", answer, class_="said"), tag("p", method, class_="soft")]


def _table(source: Source, ranked: list[Outcome]) -> Markup:
    result, shown = source.result, ranked[:MOST_TRIALS]
    name, sign = metric(result.scoring)
    params = list(dict.fromkeys(param for o in shown for param in o.params))[:MOST_PARAMS]
    several, sized = any(o.seed_scores for o in shown), any(o.n_weights for o in shown)
    columns = [("trial", [str(o.number) for o in shown])]
    columns += [("seeds", [str(len(o.seed_scores) or 1) for o in shown])] * several
    columns += [(name, [number(sign * o.score) for o in shown]), ("std", [number(o.std, o.score) for o in shown])]
    if several:
        columns.append(
            (
                "std of the seeds",
                [number(float(np.std(o.seed_scores)), o.score) if o.seed_scores else "" for o in shown],
            )
        )
    if result.rivals:
        found = [result.rivals.get(o.number) for o in shown]
        columns.append(("worse by", [number(0.0 - d.mean, shown[0].score) if d else "" for d in found]))
        columns.append((f"{CONFIDENCE:.0%} interval", [span(-d.mean, d.half_width) if d else "" for d in found]))
        columns.append(("p-value", [p_value(d) if d else "" for d in found]))
    columns += [("weights", [f"{o.n_weights:,}" if o.n_weights else "" for o in shown])] * sized
    columns.append(("epochs", [str(o.epoch) if o.epoch else "" for o in shown]))
    numbers = range(1, len(columns))
    columns += [(short(p), [short(number(o.params[p])) if p in o.params else "" for o in shown]) for p in params]
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    first = " (those evaluated with more seeds first)" if several else ""
    title = f"The best {len(shown)} of {len(ranked):,} healthy trials{first}"
    return joined([table([head for head, _ in columns], rows, numbers=numbers, caption=title)])
