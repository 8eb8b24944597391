"""What holds of a winner, in words: is it better than the baselines, and can its score be true?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from search.formatting import p_said
from search.results.paired_test import Difference
from search.results.result import Result
from search.trials.baselines import BOOSTING, DUMMY, LINEAR, PERSISTENCE, Baseline
from search.trials.outcomes import level

NEARLY_PERFECT = 0.999
"""A score of at most 1 from which it is too good to be true; an error, as far below the dummy predictor's."""

ARTICLES = {DUMMY: "the ", LINEAR: "the ", BOOSTING: "", PERSISTENCE: ""}

SIMPLER = (LINEAR, PERSISTENCE)
"""Baselines that are simpler than a network, the best first: use them where a network is not distinguishably better."""


def judgment(result: Result) -> list[str]:
    """Return sentences on the best trial, the most important one first; empty if nothing can be compared.

    The best trial is compared with each baseline on the same folds by the corrected resampled t-test of `paired_test`. With a
    single fold there is no test; then the scores themselves are compared, and the sentence says so.
    """
    said = _too_good(result)
    best = result.best
    if best is None:
        return said
    if result.against:
        said.append(_against_all(f"trial {best.number}", result.against))
    elif len(best.fold_scores) == 1 and result.baselines:
        said.append(_on_one_fold(result))
    return said


def is_too_good(result: Result) -> bool:
    """Return whether the best trial or a baseline scores nearly perfectly, although the dummy predictor does not."""
    return result.best is not None and nearly_perfect(result.baselines, result.scoring, result.best.score)


def nearly_perfect(baselines: Sequence[Baseline], scoring: str, score: float = -np.inf) -> bool:
    """Return whether a score or that of a baseline is nearly perfect, although the dummy predictor's is not.

    >>> nearly_perfect([Baseline(DUMMY, -2.0, 0.1), Baseline(LINEAR, -0.001, 0.0)], "neg_root_mean_squared_error")
    True
    """
    dummy = next((b.score for b in baselines if b.name == DUMMY), None)
    if dummy is None:
        return False
    best = max(score, *(b.score for b in baselines))
    if scoring.startswith("neg_"):
        return dummy < 0 and best >= (1 - NEARLY_PERFECT) * dummy
    return dummy < NEARLY_PERFECT <= best <= 1


def not_better(result: Result) -> str:
    """Say why the best trial is not worth registering; empty if it is distinguishably better than the dummy predictor, and no
    baseline has a better mean.
    """
    best = result.best
    if best is None or DUMMY not in {b.name for b in result.baselines}:
        return f"it cannot be compared with the {DUMMY}"
    above = max(result.baselines, key=lambda b: b.score)
    if level(above.score) > level(best.score):
        return f"{the(above.name)} scores better"
    if DUMMY not in result.against:
        return f"a single fold cannot show that it is better than the {DUMMY}"
    if not result.against[DUMMY].distinguishable:
        return f"it is not distinguishable from the {DUMMY} ({p_said(result.against[DUMMY].p_value)})"
    return ""


HINDRANCES: Mapping[str, Callable[[Result], str]] = {"always": lambda result: "", "if_better": not_better}
"""For each value of the option `register`, why a result's model is not registered, or an empty string."""


def _too_good(result: Result) -> list[str]:
    """Question scores that are nearly perfect, and columns that predict the target alone."""
    perfect = is_too_good(result)
    if not result.suspects:
        return ["The scores are nearly perfect. Does a column give the target away?"] if perfect else []
    start = "Perfect scores: c" if perfect else "C"
    alone = [repr(names[0]) for names in result.suspects if len(names) == 1]
    if not alone:
        together = _and([repr(name) for name in result.suspects[0]])
        return [f"{start}olumns {together} together give the target. Are they known before?"]
    if len(alone) == 1:
        return [f"{start}olumn {alone[0]} alone predicts the target. Is it known before?"]
    return [f"{start}olumns {_and(alone)} predict the target, each alone. Are they known before?"]


def _against_all(trial: str, against: Mapping[str, Difference]) -> str:
    """Say how a trial compares with the baselines: the better models first, then the dummy predictor, then equal models."""
    p = {name: p_said(d.p_value) for name, d in against.items()}
    dummy = against[DUMMY].mean if DUMMY in against else float("inf")
    above = [name for name, d in against.items() if d.distinguishable and d.mean < 0]
    equal = [name for name, d in against.items() if not d.distinguishable]
    if models := [name for name in above if name != DUMMY and against[name].mean < dummy]:
        best = min(models, key=lambda name: against[name].mean)
        return f"{_start(the(best))} is better than {trial} ({p[best]}). Use {the(best)}."
    trial = _start(trial)
    if DUMMY in above or (DUMMY in equal and dummy <= 0):
        return f"{trial} is no better than the {DUMMY} ({p[DUMMY]}). It has learned nothing that helps with new rows."
    if DUMMY in equal:
        return f"{trial} is not distinguishable from the {DUMMY} on these folds ({p[DUMMY]}). More rows may show more."
    if simpler := next((name for name in SIMPLER if name in equal), None):
        advice = f"Use {the(simpler)}: it is simpler."
        return f"{trial} is not distinguishable from {the(simpler)} on these folds ({p[simpler]}). {advice}"
    below = [name for name in against if name not in equal]
    said = f"{trial} is better than {_and([the(name) for name in below])} ({', '.join(p[name] for name in below)})"
    more = f", and not distinguishable from {_and([the(name) for name in equal])} ({', '.join(p[n] for n in equal)})"
    return f"{said}{more if equal else ''}."


def _on_one_fold(result: Result) -> str:
    """Say how the best trial compares with the baselines where there is only one fold."""
    assert result.best is not None
    trial, doubt = f"trial {result.best.number}", "A single fold cannot tell whether that is chance."
    top = max(result.baselines, key=lambda b: b.score)
    if level(top.score) < level(result.best.score):
        below = _and([the(b.name) for b in result.baselines])
        return f"On the only fold, {trial} scores better than {below}. {doubt}"
    scores = "scores better than" if level(top.score) > level(result.best.score) else "scores the same as"
    return f"On the only fold, {the(top.name)} {scores} {trial}. {doubt}"


def the(baseline: str) -> str:
    """Return the name of a baseline with its article.

    >>> the("linear model"), the("gradient boosting")
    ('the linear model', 'gradient boosting')
    """
    return ARTICLES.get(baseline, "the ") + baseline


def _start(words: str) -> str:
    return words[0].upper() + words[1:]


def _and(words: Sequence[str]) -> str:
    """Join words.

    >>> _and(["a"]), _and(["a", "b"]), _and(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)
