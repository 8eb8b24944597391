"""What holds of a winner, in words: is it better than the baselines, and can its score be true?"""

from __future__ import annotations

from search.results.paired_test import Difference
from search.results.result import Result
from search.trials.baselines import DUMMY

NEARLY_PERFECT = 0.999
"""A score of at most 1 from which it is too good to be true; an error, as far below the dummy predictor's."""


def judgment(result: Result) -> list[str]:
    """Return sentences on the best trial, the most important one first; empty if nothing can be compared.

    The best trial is compared with each baseline on the same folds by the corrected resampled t-test of `paired_test`.
    """
    if result.best is None or not result.against:
        return []
    said = [_against_all(f"trial {result.best.number}", result.against)]
    if is_too_good(result):
        said.insert(0, "The scores are nearly perfect. Does a column give the target away?")
    return said


def is_too_good(result: Result) -> bool:
    """Return whether the best trial or a baseline scores nearly perfectly, although the dummy predictor does not."""
    dummy = next((b.score for b in result.baselines if b.name == DUMMY), None)
    if result.best is None or dummy is None:
        return False
    best = max(result.best.score, *(b.score for b in result.baselines))
    if result.scoring.startswith("neg_"):
        return dummy < 0 and best >= (1 - NEARLY_PERFECT) * dummy
    return dummy < NEARLY_PERFECT <= best <= 1


def _against_all(trial: str, against: dict[str, Difference]) -> str:
    """Say how a trial compares with the baselines: the better models first, then the dummy predictor, then equal models."""
    p = {name: _p(d) for name, d in against.items()}
    above = [name for name, d in against.items() if d.distinguishable and d.mean < 0]
    equal = [name for name, d in against.items() if not d.distinguishable]
    if models := [name for name in above if name != DUMMY]:
        best = min(models, key=lambda name: against[name].mean)
        return f"The {best} is better than {trial} ({p[best]}). Use the {best}."
    trial = trial.capitalize()
    if DUMMY in above or (DUMMY in equal and against[DUMMY].mean <= 0):
        return f"{trial} is no better than the {DUMMY} ({p[DUMMY]}). It has learned nothing that helps with new rows."
    if equal:
        best = DUMMY if DUMMY in equal else min(equal, key=lambda name: against[name].mean)
        more = "More rows may show more." if best == DUMMY else f"The {best} is simpler."
        return f"{trial} is not distinguishable from the {best} on these folds ({p[best]}). {more}"
    return f"{trial} is better than the {' and the '.join(against)} ({', '.join(p.values())})."


def _p(difference: Difference) -> str:
    """Format a p-value.

    >>> _p(Difference(1.0, 0.5, 0.0004)), _p(Difference(1.0, 0.5, 0.0312))
    ('p < 0.001', 'p = 0.031')
    """
    return "p < 0.001" if difference.p_value < 0.001 else f"p = {difference.p_value:.2g}"
