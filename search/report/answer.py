"""The answer: the best configuration, what it scores, how sure that is, and what simple models score on the same folds."""

from __future__ import annotations

import math

from search.formatting import metric, number, p_value
from search.report.asked import described
from search.report.chart import Row, chart
from search.report.digits import between, decimals, fixed
from search.report.markup import Markup, facts, joined, section, sentence, short, table, tag
from search.report.sources import Source
from search.results.judgment import judgment
from search.results.paired_test import CONFIDENCE, Difference, difference
from search.results.result import Nested
from search.trials.outcomes import Outcome

MOST_PARAMS, MOST_METRICS = 100, 12


def answer(source: Source) -> Markup:
    """Return the section with the answer."""
    best = source.result.best
    if best is None:
        return section("answer", "The answer: none yet", *_none(source))
    said = [tag("p", sentence(line), class_="said") for line in judgment(source.result)]
    parts = [_headline(source, best), *said, _optimism(source, best), _compared(source, best), _nested(source)]
    return section(
        "answer", f"The answer: trial {best.number}", *parts, _configuration(source, best), _metrics(source, best)
    )


def _none(source: Source) -> list[Markup]:
    outcomes = source.result.outcomes
    if not outcomes:
        return [tag("p", "No trial has ended yet.", class_="said")]
    told = f"None of {len(outcomes):,} trials finished healthy, so there is no best configuration and no model."
    return [tag("p", told, class_="said"), _compared(source, None)]


def _headline(source: Source, best: Outcome) -> Markup:
    """Return the score in large figures: the estimate of nested cross-validation if there is one, else that of the folds."""
    name, sign = metric(source.result.scoring)
    nested = source.result.nested
    better = "lower" if sign < 0 else "higher"
    if nested is not None and math.isfinite(nested.score):
        score, std, folds = (
            nested.score,
            nested.std,
            f"on {len(nested.scores)} outer folds that the search has not seen",
        )
    else:
        score, std, folds = best.score, best.std, f"over {_folds(len(best.fold_scores))}{_seeds(best)}"
    places = decimals([std])
    told = [f"{name}, {better} is better", tag("br"), f"± {fixed(std, places)} (standard deviation), mean {folds}"]
    return tag("div", tag("b", fixed(sign * score, places)), tag("span", *told, class_="unit"), class_="score")


def _folds(n: int) -> str:
    return "one fold" if n == 1 else f"{n} folds"


def _seeds(best: Outcome) -> str:
    return f" and {len(best.seed_scores)} seeds" if best.seed_scores else ""


def interval(best: Outcome, ratio: float | None) -> Difference | None:
    """Return the mean of a trial's fold scores with its confidence interval, corrected as `paired_test` says.

    None if there is only one fold, or nothing is known of the folds.
    """
    if ratio is None or len(best.fold_scores) < 2:
        return None
    return difference(best.fold_scores, [0.0] * len(best.fold_scores), ratio)


def _optimism(source: Source, best: Outcome) -> Markup:
    """Say between which scores the mean lies, and that it is too good, or that it is not."""
    result = source.result
    _, sign = metric(result.scoring)
    if result.nested is not None and math.isfinite(result.nested.score):
        own = f"On the folds that selected it, trial {best.number} scores {number(sign * best.score)}, which is optimistic."
        return tag("p", f"{own} The large number is the score of the whole search, selection included, on unseen rows.")
    found, healthy = interval(best, source.ratio), sum(o.healthy for o in result.outcomes.values())
    told = []
    if found is not None and 0 < found.half_width < math.inf:
        reach = _reach(sign * found.mean, found.half_width, result.scoring, decimals([best.std]))
        told.append(
            f"The {CONFIDENCE:.0%} confidence interval of the mean is {reach} (corrected for folds that share rows)."
        )
    if healthy > 1:
        told.append(
            f"It is the best of {healthy:,} healthy trials on the folds that selected it, so expect new rows to be a bit worse."
        )
    if len(best.fold_scores) == 1:
        told.append("A single fold says nothing of how sure it is.")
    return tag("p", " ".join(told)) if told else Markup()


AT_MOST_ONE = ("accuracy", "average_precision", "balanced_accuracy", "explained_variance", "f1", "jaccard", "precision", "r2",
               "recall", "roc_auc", "top_k_accuracy")  # fmt: skip
"""Beginnings of the names of scorers whose scores are never above 1."""


def _reach(mean: float, half_width: float, scoring: str, places: int | None) -> str:
    """Return an interval, within the bounds of the metric.

    >>> _reach(0.96, 0.08, "accuracy", 2), _reach(0.5, 0.8, "neg_log_loss", 1), _reach(0.96, 0.08, "my_own", 2)
    ('0.88 to 1.00', '0.0 to 1.3', '0.88 to 1.04')
    """
    low, high = mean - half_width, mean + half_width
    low = max(low, 0.0) if scoring.startswith("neg_") else low
    high = min(high, 1.0) if scoring.startswith(AT_MOST_ONE) and mean <= 1 else high
    return f"{fixed(low, places)} to {fixed(high, places)}"


def _compared(source: Source, best: Outcome | None) -> Markup:
    """Return figure and table of the best trial and the baselines on the same folds."""
    result = source.result
    name, sign = metric(result.scoring)
    rows = [Row(b.name, b.score, b.std, b.fold_scores) for b in result.baselines]
    if best is not None:
        rows.append(Row(f"best network (trial {best.number})" if best.n_weights else f"best (trial {best.number})",
                        best.score, best.std, best.fold_scores, own=True))  # fmt: skip
    rows.sort(key=lambda row: -row.score if math.isfinite(row.score) else math.inf)
    if len(rows) < 2:
        missing = (
            "There are no baselines: no simple model could be scored on these folds." if not result.baselines else ""
        )
        return tag("p", missing, class_="soft") if missing else Markup()
    places = decimals(row.std for row in rows)
    finer = decimals(d.half_width for d in result.against.values())
    cells = []
    for row in rows:
        apart = None if row.own else result.against.get(row.name)
        cells.append([row.name, f"{fixed(sign * row.score, places)} ± {fixed(row.std, places)}", *_apart(apart, finer)])
    head = ["on the same folds", f"{name} ± std", "best is better by", f"{CONFIDENCE:.0%} interval", "p"]
    own = next((i for i, row in enumerate(rows) if row.own), None)
    if not result.against:
        head, cells = head[:2], [row[:2] for row in cells]
    return joined([chart(rows, result.scoring), table(head, cells, numbers=range(1, len(head)), own=own)])


def _apart(found: Difference | None, places: int | None) -> list[str]:
    if found is None:
        return ["", "", ""]
    return [fixed(found.mean, places), between(found.mean, found.half_width, places), p_value(found.p_value)]


def _nested(source: Source) -> Markup:
    nested = source.result.nested
    if nested is None:
        return Markup()
    name, sign = metric(source.result.scoring)
    title = tag("h3", "On rows that the search has not seen (nested cross-validation)")
    if not math.isfinite(nested.score):
        none = tag("p", "There is no estimate: the search found no healthy network in some outer folds.")
        return joined([title, none, _outer(nested, sign, name)])
    rows = [Row("the whole search", nested.score, nested.std, [s for s in nested.scores if s is not None], own=True)]
    rows += [Row(b.name, b.score, b.std, b.fold_scores) for b in nested.baselines]
    return joined([title, chart(rows, source.result.scoring), _outer(nested, sign, name)])


def _outer(nested: Nested, sign: int, name: str) -> Markup:
    scores = ["no network" if s is None else number(sign * s) for s in nested.scores]
    rows = [("the whole search", *scores)]
    rows += [(b.name, *(number(sign * s) for s in b.fold_scores)) for b in nested.baselines if b.fold_scores]
    head = [name, *(f"outer fold {i}" for i in range(1, len(scores) + 1))]
    return table(head, rows, numbers=range(1, len(head)))


def _configuration(source: Source, best: Outcome) -> Markup:
    space = source.result.space.parameters
    searched = {name: described(d.describe()) for name, d in space.items() if name in best.params}
    shown = list(best.params.items())[:MOST_PARAMS]
    rows = [(short(name), short(number(value)), searched.get(name, "")) for name, value in shown]
    more = len(best.params) - len(shown)
    parts = [tag("h3", "Best configuration")]
    parts.append(table(["hyperparameter", "value", "searched"], rows) if rows else tag("p", "Nothing was searched."))
    parts += [tag("p", f"and {more:,} more", class_="soft")] * bool(more)
    epochs = f"{best.epoch:,}, where the mean score over the folds is best" if best.epoch else ""
    averaged = source.result.n_networks
    model = f"the mean of {averaged} networks, fitted on all rows" if averaged > 1 and source.result.model else ""
    parts.append(
        facts([("epochs", epochs), ("weights", f"{best.n_weights:,}" if best.n_weights else ""), ("model", model)])
    )
    return joined(parts)


def _metrics(source: Source, best: Outcome) -> Markup:
    """Return the other metrics of the best trial and of the baselines."""
    others = [name for name in best.means if name != source.result.scoring][:MOST_METRICS]
    if not others:
        return Markup()
    rows = [("best trial", *(_mean(best.means, other) for other in others))]
    rows += [(b.name, *(_mean(b.means, other) for other in others)) for b in source.result.baselines if b.means]
    head = ["mean over the folds", *(metric(other)[0] for other in others)]
    return joined([tag("h3", "Other metrics"), table(head, rows, numbers=range(1, len(head)))])


def _mean(means: object, name: str) -> str:
    found = means.get(name) if hasattr(means, "get") else None
    return "" if found is None else number(metric(name)[1] * found)
