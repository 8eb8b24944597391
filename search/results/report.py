"""The report on a study, in words and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bpmodel.diagnosis.findings import Diagnosis
from search.formatting import metric, number, p_value
from search.results.advice import advice, codes
from search.results.judgment import judgment
from search.results.paired_test import CONFIDENCE, Difference
from search.results.result import Result
from search.results.widths import BEST_COLUMNS, Fitted
from search.tracking import RegisteredModel
from search.tracking.naming.markdown import code, plain
from search.trials.baselines import Baseline
from search.trials.outcomes import Outcome, front, order
from search.trials.subsample import agreement

FIRST_ROWS = 8
NOT_PROBED = "not diagnosed: full-batch solvers record no probes"
TITLE: dict[str, Any] = {"title_justify": "left", "title_style": "bold"}


def _value(outcome: Outcome, name: str) -> str:
    """Format a hyperparameter in a few characters; a dash if it does not exist in this trial."""
    return number(outcome.params[name]) if name in outcome.params else "-"


def best_trials(
    outcomes: Mapping[int, Outcome],
    rivals: Mapping[int, Difference],
    scoring: str,
    columns: int = BEST_COLUMNS,
) -> Table:
    """Return a table of the best trials, one column each, at most so many, in `order`.

    Where trials were evaluated with several seeds, their number decides before the score, so it stands above the score.
    """
    name, sign = metric(scoring)
    healthy = sorted((o for o in outcomes.values() if o.healthy), key=order)
    best = healthy[:columns]
    several = any(o.seed_scores for o in best)
    first = ", those evaluated with more seeds first" if several else ""
    table = Table(title=f"Best of {len(outcomes)} trials{first}", box=None, padding=(0, 1), **TITLE)
    table.add_column(no_wrap=True)
    for outcome in best:
        table.add_column(f"trial {outcome.number}", justify="right", no_wrap=True)
    if several:
        table.add_row("seeds", *(str(len(o.seed_scores) or 1) for o in best))
    table.add_row(name, *(number(sign * o.score) for o in best), style="bold")
    table.add_row("std over the folds", *(number(o.std, o.score) for o in best))
    for other in _others(scoring, *(o.metrics for o in best)):
        other_name, other_sign = metric(other)
        table.add_row(other_name, *(_mean(other_sign, o.means, other) for o in best))
    if several:
        spread = (number(float(np.std(o.seed_scores)), o.score) if o.seed_scores else "" for o in best)
        table.add_row("std over the seeds", *spread)
    if rivals:
        apart = [rivals.get(o.number) for o in best]
        table.add_row("worse by", *(number(0.0 - d.mean, best[0].score) if d else "" for d in apart))
        table.add_row("p-value", *(p_value(d.p_value) if d else "" for d in apart))
    table.add_row("epochs", *(str(o.epoch) for o in best))
    for param in dict.fromkeys(name for o in best for name in o.params):
        table.add_row(param, *(_value(o, param) for o in best))
    return table


def smaller(outcomes: Mapping[int, Outcome], scoring: str, columns: int = BEST_COLUMNS) -> Table | None:
    """Return the Pareto front of score and number of weights, one column per trial, at most so many, the best score first.

    None if there are fewer than two.
    """
    name, sign = metric(scoring)
    best = front(outcomes)
    if len(best) < 2:
        return None
    table = Table(title="Score and size (Pareto front)", box=None, padding=(0, 1), **TITLE)
    shown = best if len(best) <= columns else [best[round(i)] for i in np.linspace(0, len(best) - 1, columns)]
    table.add_column(no_wrap=True)
    for outcome in shown:
        table.add_column(f"trial {outcome.number}", justify="right", no_wrap=True)
    table.add_row(name, *(number(sign * o.score) for o in shown))
    table.add_row("weights", *(f"{o.n_weights:,}" for o in shown))
    if any(o.seed_scores for o in shown):
        table.add_row("seeds", *(str(len(o.seed_scores) or 1) for o in shown))
    return table


def comparison(
    outcome: Outcome | None, title: str, baselines: Sequence[Baseline], scoring: str, columns: int = BEST_COLUMNS
) -> Table:
    """Return a table of an outcome, under a title, next to the baselines on the same folds, by at most so many metrics."""
    name, sign = metric(scoring)
    better = "lower" if sign < 0 else "higher"
    heading = f"On the same folds ({name}, {better} is better)"
    rows = [(b.name, b.score, b.std, b.means) for b in baselines]
    if outcome is not None:
        rows.append((title, outcome.score, outcome.std, outcome.means))
    others = _others(scoring, *(means for *_, means in rows))[: columns - 1]
    table = Table(title=heading, box=None, padding=(0, 1), show_header=bool(others), **TITLE)
    table.add_column(no_wrap=True)
    for column in (name, "", *(metric(other)[0] for other in others)):
        table.add_column(column, justify="right" if others else "left", no_wrap=True)
    scale = max((abs(score) for _, score, _, _ in rows), default=0.0)
    for row, score, std, means in rows:
        more = (_mean(metric(other)[1], means, other) for other in others)
        table.add_row(row, number(sign * score, scale), f"± {number(std, scale)}", *more)
    return table


def _others(scoring: str, *metrics: Mapping[str, Any]) -> list[str]:
    """Return the metrics beside the one that decides."""
    return [name for name in dict.fromkeys(name for some in metrics for name in some) if name != scoring]


def _mean(sign: int, means: Mapping[str, float], name: str) -> str:
    return number(sign * means[name]) if name in means else "-"


def alike(best: Outcome | None, rivals: Mapping[int, Difference]) -> str:
    """Say which of the next best trials cannot be distinguished from the best one on these folds, if any."""
    numbers = [str(number) for number, d in rivals.items() if not d.distinguishable]
    if best is None or not numbers:
        return ""
    return (
        f"Not distinguishable from trial {best.number} on these folds ({CONFIDENCE:.0%}, corrected resampled t-test): "
        f"trial{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
    )


def honest(result: Result) -> list[str]:
    """Return lines with the estimate of nested cross-validation, the baselines on the same rows, and the optimistic score.

    Empty if there is no estimate.
    """
    nested, best = result.nested, result.best
    if nested is None:
        return []
    _, sign = metric(result.scoring)
    scores = ", ".join("no network" if score is None else number(sign * score) for score in nested.scores)
    if None in nested.scores:
        lines = ["no estimate: the search found no healthy network in some outer folds"]
    else:
        lines = [
            f"{number(sign * nested.score)} ± {number(nested.std, nested.score)}: the whole search, on unseen rows"
        ]
    if best is not None:
        lines.append(
            f"{number(sign * best.score)} ± {number(best.std, best.score)}: trial {best.number}, on the folds that selected it"
        )
    lines += [
        f"{number(sign * b.score)} ± {number(b.std, b.score)}: {b.name}, on the same unseen rows"
        for b in nested.baselines
    ]
    return [*lines, f"outer folds: {scores}"]


def divergences(outcomes: Mapping[int, Outcome]) -> list[str]:
    """Return a line for each diverged trial: its hyperparameters in the order of the space, and what happened."""
    lines = []
    names = list(dict.fromkeys(name for o in outcomes.values() for name in o.params))
    for outcome in outcomes.values():
        if outcome.divergence is not None:
            values = ", ".join(_value(outcome, name) for name in names)
            lines.append(f"trial {outcome.number} ({values}): {outcome.divergence.reason}")
    return lines


def diverged_title(outcomes: Mapping[int, Outcome]) -> str:
    """Return number and causes of diverged trials: ``14 of 60 trials (11 exploding_step, 3 unscaled_input)``."""
    counts = codes(outcomes.values())
    causes = ", ".join(f"{n} {code}" for code, n in counts.items())
    return f"{sum(counts.values())} of {len(outcomes)} trials ({causes})"


def repairs(outcomes: Mapping[int, Outcome]) -> list[str]:
    """Return a line for each repaired trial: its first repair, and the number of others; skipped steps are left out."""
    lines = []
    for outcome in outcomes.values():
        changed = [line for line in outcome.repairs if not line.endswith("skipped")]
        if changed and outcome.divergence is None:
            more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
            lines.append(f"trial {outcome.number}: {changed[0]}{more}")
    return lines


def errors(outcomes: Mapping[int, Outcome]) -> list[str]:
    """Return a line for each trial that could not be scored."""
    return [f"trial {o.number}: {o.reason}" for o in outcomes.values() if o.failed]


def final(result: Result) -> RenderableType:
    """Return the terminal report on a study."""
    outcomes, best = result.outcomes, result.best
    parts: list[RenderableType] = []
    if best is not None:
        parts.append(Fitted(partial(best_trials, outcomes, result.rivals, result.scoring)))
        if told := alike(best, result.rivals):
            parts.append(Text(f"  {told}"))
        parts.append(Text())
    if smaller(outcomes, result.scoring) is not None:
        parts += [Fitted(partial(smaller, outcomes, result.scoring)), Text()]
    title = f"best network (trial {best.number})" if best else ""
    parts.append(Fitted(partial(comparison, best, title, result.baselines, result.scoring)))
    parts += [*(Text(f"  {line}", style="bold") for line in judgment(result)), Text()]
    if shared := agreement(outcomes):
        parts += [Text(f"Subsample: {shared.sentence}"), Text()]
    if estimate := honest(result):
        name, _ = metric(result.scoring)
        parts += [Text(f"Nested cross-validation ({name})", style="bold"), *_first(estimate), Text()]
    broken, failed, mended = divergences(outcomes), errors(outcomes), repairs(outcomes)
    if broken:
        parts.append(Text(f"Diverged: {diverged_title(outcomes)}", style="bold"))
        parts += [Text(f"  {line}") for line in advice(outcomes.values(), result.space)]
        parts += [*_first(broken), Text()]
    if mended:
        parts += [Text(f"Repaired: {len(mended)} of {len(outcomes)} trials", style="bold"), *_first(mended, ""), Text()]
    if failed:
        parts += [Text(f"Errors: {len(failed)} of {len(outcomes)} trials", style="bold"), *_first(failed), Text()]
    return Group(*parts)


def _first(lines: Sequence[str], where: str = "; all are in MLflow (tag verdict)") -> list[Text]:
    shown = [Text(f"  {line}") for line in lines[:FIRST_ROWS]]
    if len(lines) > FIRST_ROWS:
        shown.append(Text(f"  and {len(lines) - FIRST_ROWS} more{where}"))
    return shown


def diagnosed(found: Sequence[Diagnosis | None]) -> RenderableType:
    """Return the diagnoses of a configuration's folds; folds with the same findings share one text."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for fold, diagnosis in enumerate(found, start=1):
        groups.setdefault(tuple(diagnosis.codes) if diagnosis is not None else (), []).append(fold)
    parts: list[RenderableType] = []
    for key in sorted(groups, key=lambda key: (not key, groups[key])):  # healthy folds last
        folds = groups[key]
        first = found[folds[0] - 1]
        many = f"fold {folds[0]}" if len(folds) == 1 else f"folds {', '.join(map(str, folds))}"
        example = "" if len(folds) == 1 else f"; this is fold {folds[0]}"
        parts += [
            Text(f"{many} of {len(found)}{example}", style="bold"),
            *map(Text, [NOT_PROBED] if first is None else str(first).split("\n")),
            Text(),
        ]
    return Group(*parts)


def single(outcome: Outcome, baselines: Sequence[Baseline], scoring: str) -> RenderableType:
    """Return the report on one cross-validated configuration."""
    scored = outcome if outcome.fold_scores else None
    parts: list[RenderableType] = [Text(f"{outcome.verdict}: {outcome.reason}")]
    if scored is not None:
        title = f"{metric(scoring)[0]} after {outcome.epoch} epochs"
        parts += [Text(title, style="bold"), Fitted(partial(fold_scores, outcome, scoring))]
    return Group(*parts, Text(), Fitted(partial(comparison, scored, "this configuration", baselines, scoring)))


def fold_scores(outcome: Outcome, scoring: str, columns: int = BEST_COLUMNS) -> Table:
    """Return a table of the scores of each fold by at most so many metrics."""
    name, sign = metric(scoring)
    others = _others(scoring, outcome.metrics)[: columns - 1]
    table = Table(box=None, padding=(0, 1), show_header=bool(others))
    table.add_column(no_wrap=True)
    for column in (name, *(metric(other)[0] for other in others)):
        table.add_column(column, justify="right" if others else "left", no_wrap=True)
    for fold, score in enumerate(outcome.fold_scores):
        more = (number(metric(other)[1] * outcome.metrics[other][fold]) for other in others)
        table.add_row(f"fold {fold + 1}", number(sign * score), *more)
    return table


def delivered(result: Result, model: RegisteredModel) -> str:
    """Return the version of the registered model, and its contents."""
    averaged = f", the mean of {result.n_networks} networks" if result.n_networks > 1 else ""
    return f"version {model.version}{averaged}"


def not_registered(result: Result) -> str:
    """Say why the model was not registered."""
    return f'not registered (register = "if_better"): {result.unregistered}'


def summary(result: Result) -> str:
    """Return a Markdown summary for the parent run's description.

    Important things come first, because MLflow shows only the first lines.
    """
    outcomes, best, model = result.outcomes, result.best, result.model
    paragraphs = [f"**{result.name}**: {_standing(result)}", *(f"**{plain(line)}**" for line in judgment(result))]
    paragraphs += [f"Nested cross-validation: {line}." for line in honest(result)[:1]]
    if shared := agreement(outcomes):
        paragraphs.append(f"Subsample: {shared.sentence}.")
    broken, mended = divergences(outcomes), repairs(outcomes)
    if broken:
        told = advice(outcomes.values(), result.space)
        paragraphs.append(
            " ".join([f"Diverged: {diverged_title(outcomes)}.", *(f"**{plain(line)}**" for line in told)])
        )
    if model is not None:
        paragraphs.append(f"Model: {code(model.uri)} ({delivered(result, model)}). {plain(model.standing)}".strip())
    if result.unregistered:
        paragraphs.append(f"Model: {not_registered(result)}.")
    if best is not None:
        paragraphs.append("\n".join(f"- {plain(param)}: {code(number(value))}" for param, value in best.params.items()))
        if others := _others(result.scoring, best.means):
            means = [f"{metric(other)[0]} {_mean(metric(other)[1], best.means, other)}" for other in others]
            paragraphs.append(f"Other metrics: {', '.join(means)}.")
        if close := alike(best, result.rivals):
            paragraphs.append(f"{close}.")
        paragraphs.append(_reseeded(outcomes))
    paragraphs.append("\n".join(f"- {plain(line)}" for line in broken[:20]))
    if mended:
        paragraphs.append(f"Repaired: {len(mended)} of {len(outcomes)} trials.")
        paragraphs.append("\n".join(f"- {plain(line)}" for line in mended[:20]))
    return "\n\n".join(text for text in paragraphs if text)


def _reseeded(outcomes: Mapping[int, Outcome]) -> str:
    """Say which trials have other scores in their own runs than in the description of the study; empty if none has."""
    several = [str(o.number) for o in sorted(outcomes.values(), key=order) if o.seed_scores]
    if not several:
        return ""
    trials, runs = (
        ("Trial", "run of this trial has its") if len(several) == 1 else ("Trials", "runs of these trials have their")
    )
    means = "the scores here are means over them"
    return f"{trials} {', '.join(several)}: evaluated with more seeds; {means}, the {runs} first."


def _standing(result: Result) -> str:
    """Say in two sentences what was searched and how, and compare the best score with the baselines."""
    best = result.best
    name, sign = metric(result.scoring)
    scale = max((abs(b.score) for b in result.baselines), default=0.0)
    scores = [f"{b.name} {number(sign * b.score, scale)} ± {number(b.std, scale)}" for b in result.baselines]
    if best is not None:
        epochs = f", {best.epoch} epochs" if best.epoch else ""
        title = f"**trial {best.number}{epochs}: {number(sign * best.score)} ± {number(best.std, best.score)}**"
        scores = [title, *reversed(scores)]
    searched = f"{len(result.outcomes)} trials by {result.method} search, {result.scheme}, {name}"
    return f"{searched}. {', '.join(scores)}."
