"""All diverged trials of a study in words, for its run in MLflow: how many, why, where in the space, and what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.formatting import number
from search.results.advice import advice, codes
from search.space.spaces import Space
from search.tracking.naming.markdown import code, plain
from search.trials.outcomes import Outcome


def in_words(outcomes: Mapping[int, Outcome], space: Space) -> str:
    """Return a text in Markdown; empty if no trial diverged.

    Names and values of the user's are shown as they are: nothing in them is markup.

    Examples
    --------
    >>> from search.space.spaces import build
    >>> from search.trials.outcomes import Divergence
    >>> finding = {"code": "exploding_step", "cause": "The steps are too long.", "remedy": "Lower the rate."}
    >>> why = Divergence(0, 3, 17, "the loss exploded", 100.0, 0.1, [finding])
    >>> outcome = Outcome(7, {"alpha": 0.1}, "diverged", "fold 1 of 5: the loss exploded", [], 0, {}, {}, 0.1, why)
    >>> print(in_words({7: outcome}, build({"alpha": (0.1, 10.0)})))
    # Diverged trials
    <BLANKLINE>
    1 of 1 trials diverged.
    <BLANKLINE>
    - `exploding_step`: 1 trial. The steps are too long. Lower the rate.
    <BLANKLINE>
    ## Trial by trial
    <BLANKLINE>
    - trial 7 (alpha = 0.1): `exploding_step`. fold 1 of 5: the loss exploded
    <BLANKLINE>
    """
    diverged = [outcome for outcome in outcomes.values() if outcome.divergence is not None]
    if not diverged:
        return ""
    lines = ["# Diverged trials", "", f"{len(diverged)} of {len(outcomes)} trials diverged.", ""]
    lines += [_cause(name, count, diverged) for name, count in codes(diverged).items()]
    if told := advice(outcomes.values(), space):
        lines += ["", "## Where in the space", "", *(f"- {plain(line)}" for line in told)]
    return "\n".join([*lines, "", "## Trial by trial", "", *map(_trial, diverged), ""])


def _cause(name: str, count: int, diverged: Sequence[Outcome]) -> str:
    """Return a line on a cause, with the words of the first trial that has it."""
    known = (o.divergence for o in diverged if o.divergence is not None and o.divergence.findings)
    findings = (divergence.findings[0] for divergence in known if divergence.code == name)
    first = next(findings, {})
    words = (f" {plain(first[part])}" for part in ("cause", "remedy") if first.get(part))
    return f"- {code(name)}: {count} trial{'s' if count > 1 else ''}.{''.join(words)}"


def _trial(outcome: Outcome) -> str:
    params = ", ".join(f"{plain(name)} = {plain(number(value))}" for name, value in outcome.params.items())
    why = outcome.divergence.code if outcome.divergence is not None else ""
    told = f" {code(why)}." if why else ""
    return f"- trial {outcome.number}{f' ({params})' if params else ''}:{told} {plain(outcome.reason)}"
