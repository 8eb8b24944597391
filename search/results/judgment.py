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
    said = [_against_all(result.against)]
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


def _against_all(against: dict[str, Difference]) -> str:
    better = [name for name, d in against.items() if d.distinguishable and d.mean > 0]
    above = {name: d for name, d in against.items() if d.distinguishable and d.mean < 0}
    equal = {name: d for name, d in against.items() if not d.distinguishable}
    if models := above.keys() - {DUMMY}:
        name = min(models, key=lambda name: above[name].mean)
        return f"The {name} is better than the network ({_p(above[name])}). Use the {name}."
    if DUMMY in above or DUMMY in equal:
        dummy = against[DUMMY]
        if dummy.mean > 0:
            return f"The network is not distinguishable from the {DUMMY} on these folds ({_p(dummy)}). More rows may show more."
        return (
            f"The network is no better than the {DUMMY} ({_p(dummy)}). It has learned nothing that helps with new rows."
        )
    if equal:
        name = min(equal, key=lambda name: equal[name].mean)
        return f"The network is not distinguishable from the {name} on these folds ({_p(equal[name])}). The {name} is simpler."
    return f"The network is better than the {' and the '.join(better)} ({', '.join(_p(against[name]) for name in better)})."


def _p(difference: Difference) -> str:
    """Format a p-value.

    >>> _p(Difference(1.0, 0.5, 0.0004)), _p(Difference(1.0, 0.5, 0.0312))
    ('p < 0.001', 'p = 0.031')
    """
    return "p < 0.001" if difference.p_value < 0.001 else f"p = {difference.p_value:.2g}"
