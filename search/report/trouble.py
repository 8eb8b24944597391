"""What diverged and why: counts, causes with their remedies, where in the space, and the trials; then errors and repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from search.formatting import number
from search.report.markup import Markup, folded, joined, section, short, table, tag
from search.report.pictures import pictures
from search.report.sources import Source
from search.results.advice import advice, codes
from search.trials.outcomes import DIVERGED, ERROR, OK, STOPPED, VERDICTS, Outcome
from search.trials.subsample import agreement

MOST_TRIALS, MOST_PARAMS = 40, 8
NOT_DIAGNOSED = "not diagnosed"


def trouble(source: Source, figures: Mapping[str, Figure]) -> Markup:
    """Return the section; it says so if nothing diverged."""
    outcomes = source.result.outcomes
    if not outcomes:
        return Markup()
    diverged = [o for o in outcomes.values() if o.divergence is not None]
    parts = [_counts(outcomes)]
    if diverged:
        parts += [_where(source), _causes(source, diverged), pictures(figures, "diverged"), _trials(diverged)]
    else:
        parts.append(tag("p", "No trial diverged."))
    if shared := agreement(outcomes):
        parts.append(tag("p", f"Subsample: {shared.sentence}."))
    parts += [_errors(outcomes), _repairs(outcomes)]
    return section("diverged", "What diverged, and why", *parts)


def _counts(outcomes: Mapping[int, Outcome]) -> Markup:
    counts = Counter(o.verdict for o in outcomes.values())
    words = {
        OK: "finished",
        STOPPED: "stopped early, worse than others",
        DIVERGED: "diverged",
        ERROR: "with an error",
    }
    return tag(
        "p",
        *(
            tag("span", tag("b", f"{counts[verdict]:,}"), words[verdict], class_=f"count {verdict}")
            for verdict in VERDICTS
            if counts[verdict]
        ),
    )


def _where(source: Source) -> Markup:
    """Say where in the space trials diverge, and what would exclude them."""
    told = advice(source.result.outcomes.values(), source.result.space)
    return joined(tag("p", line, class_="said" if i == 0 else None) for i, line in enumerate(told))


def _causes(source: Source, diverged: Sequence[Outcome]) -> Markup:
    """Return a list of the findings: how often each was the first, and cause and remedy as of its first trial."""
    items = []
    for code, n in codes(source.result.outcomes.values()).items():
        first = next(o for o in diverged if o.divergence is not None and (o.divergence.code or NOT_DIAGNOSED) == code)
        trials = "1 trial" if n == 1 else f"{n:,} trials"
        told = [tag("b", short(code)), f", {trials}. ", *_explained(first)]
        items.append(tag("li", *told))
    return joined([tag("h3", "Causes, the most frequent first"), tag("ul", *items)])


def _explained(outcome: Outcome) -> list[object]:
    assert outcome.divergence is not None
    if not outcome.divergence.findings:
        return ["Nothing was probed: full-batch solvers record no probes."]
    finding = outcome.divergence.findings[0]
    parts = [short(finding.get("cause") or ""), " ", tag("i", short(finding.get("remedy") or ""))]
    return [f"In trial {outcome.number}: ", *parts]


def _trials(diverged: Sequence[Outcome]) -> Markup:
    shown = diverged[:MOST_TRIALS]
    params = list(dict.fromkeys(name for o in shown for name in o.params))[:MOST_PARAMS]
    rows = []
    for o in shown:
        assert o.divergence is not None
        values = [short(number(o.params[p])) if p in o.params else "" for p in params]
        code = short(o.divergence.code or NOT_DIAGNOSED)
        rows.append(
            [str(o.number), code, str(o.divergence.fold), str(o.divergence.epoch), *values, short(o.divergence.reason)]
        )
    head = ["trial", "finding", "fold", "epoch", *map(short, params), "what happened"]
    rest = len(diverged) - len(shown)
    more = [tag("p", f"and {rest:,} more, which MLflow and the journal have", class_="soft")] if rest else []
    noun = "trial" if len(diverged) == 1 else "trials"
    listed = table(head, rows, numbers=(2, 3, *range(4, 4 + len(params))))
    return folded(f"{len(diverged):,} diverged {noun}", listed, *more)


def _errors(outcomes: Mapping[int, Outcome]) -> Markup:
    failed = [o for o in outcomes.values() if o.failed]
    rows = [(str(o.number), short(o.reason)) for o in failed[:MOST_TRIALS]]
    return _listed(failed, "Trials that could not be scored", ["trial", "why"], rows)


def _repairs(outcomes: Mapping[int, Outcome]) -> Markup:
    repaired = [o for o in outcomes.values() if o.repairs]
    rows = [(str(o.number), str(len(o.repairs)), short(o.repairs[0])) for o in repaired[:MOST_TRIALS]]
    return _listed(repaired, "Trials that were repaired on the way", ["trial", "repairs", "the first one"], rows)


def _listed(found: Sequence[Outcome], title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    if not found:
        return Markup()
    rest = len(found) - len(rows)
    more = [tag("p", f"and {rest:,} more", class_="soft")] if rest else []
    return folded(f"{title}: {len(found):,}", table(head, rows), *more)
