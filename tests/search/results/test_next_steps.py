"""What to try next: each rule just below and just above what it asks for."""

from dataclasses import replace

import numpy as np
import pytest

from search.results import next_steps as steps
from search.results.next_steps import next_steps
from search.results.paired_test import Difference
from search.results.result import Nested, Result
from search.space import spaces
from search.trials.baselines import DUMMY, LINEAR, Baseline
from search.trials.outcomes import winner

RMSE = "neg_root_mean_squared_error"
RATE = {"learning_rate_init": (0.01, 1.0, "log")}


@pytest.fixture
def made(make_outcome):
    """Make a result; trials are pairs of a score and the keywords of an outcome, and the first is the best by default."""

    def made(*trials, space=RATE, method="random", yardsticks=(), **more) -> Result:
        outcomes = {
            n: make_outcome(
                n, scores=(score, score - 0.1), **{"params": {"learning_rate_init": 0.1}, "curve": {}, **given}
            )
            for n, (score, given) in enumerate(trials)
        }
        best = winner(outcomes)
        return Result("s", method, "2 folds", RMSE, spaces.build(space), outcomes, yardsticks, best, **more)

    return made


def told(result: Result, code: str) -> list[str]:
    return [str(step) for step in next_steps(result) if step.code == code]


def some(n: int, **given) -> list:
    return [(-1.0 - i, given) for i in range(n)]


def test_every_rule_has_a_name_of_its_own_and_nothing_is_said_of_nothing(made):
    assert next_steps(made()) == []
    assert len(set(steps.RULES.values())) == len(steps.RULES)


def test_none_healthy(made):
    bad = [(-1.0, {"verdict": "diverged"})] * 3
    assert told(made(*bad), "none_healthy") == [
        'No trial finished healthy; 3 of 3 diverged. Search lower learning rates, or set on_divergence = "repair".'
    ]
    assert "1 of 1 ended in an error" in told(made((-1.0, {"verdict": "error"})), "none_healthy")[0]
    assert told(made(*bad, (-1.0, {})), "none_healthy") == []


@pytest.mark.parametrize(("score", "n"), [(-0.9, 1), (-1.05, 0), (-1.1, 0)])
def test_a_baseline_is_better(made, score, n):
    """The best trial scores -1.05."""
    found = told(made((-1.0, {}), yardsticks=[Baseline(LINEAR, score, 0.0)]), "baseline_is_better")
    assert len(found) == n
    assert not n or found[0].startswith("The linear model scores 0.9, the best trial 1.05.")


def rates(*values: float) -> list:
    return [(-1.0 - i, {"params": {"learning_rate_init": value}}) for i, value in enumerate(values)]


INSIDE, BEYOND = 10 ** (-2 + 2 * 0.89), 10 ** (-2 + 2 * 0.91)
"""Of a logarithmic range from 0.01 to 1, of which the upper tenth counts as the edge."""


@pytest.mark.parametrize(
    ("values", "n"),
    [
        ([BEYOND, BEYOND, BEYOND, 0.1, 0.1], 1),
        ([BEYOND, BEYOND, 0.1, 0.1, 0.1], 0),
        ([0.1, BEYOND, BEYOND, BEYOND, BEYOND], 0),
        ([INSIDE] * 5, 0),
        ([BEYOND] * 2, 0),
        ([BEYOND, BEYOND, 0.1, 0.1, 0.1, BEYOND], 0),
    ],
)
def test_the_best_lie_at_the_upper_edge(made, values, n):
    found = told(made(*rates(*values)), "edge")
    assert len(found) == n
    if n:
        seen = "3 of the 5 best trials have learning_rate_init at the upper end of what was searched, 1."
        assert found == [f"{seen} Search above 1, too."]


def test_the_lower_edge_and_choices_among_numbers(made):
    assert "below 0.01" in told(made(*rates(*[0.0101] * 3)), "edge")[0]
    sizes = {"batch_size": [16, 32, 64]}
    assert "above 64" in told(made(*some(3, params={"batch_size": 64}), space=sizes), "edge")[0]
    assert told(made(*some(3, params={"batch_size": 32}), space=sizes), "edge") == []
    assert told(made(*some(3, params={"batch_size": 64}), space={"batch_size": [32, 64]}), "edge") == [], (
        "all lie at an end"
    )
    names = {"activation": ["relu", "tanh", "logistic"]}
    assert told(made(*some(3, params={"activation": "logistic"}), space=names), "edge") == []


def test_nothing_is_advised_beyond_what_is_allowed(made):
    """Momentum is below 1, alpha not below 0."""
    assert told(made(*some(3, params={"momentum": 0.99}), space={"momentum": (0.5, 0.99)}), "edge") == []
    assert told(made(*some(3, params={"alpha": 0.0}), space={"alpha": (0.0, 1.0)}), "edge") == []
    assert told(made(*some(3, params={"step__alpha": 1.0}), space={"step__alpha": (0.0, 1.0)}), "edge")
    assert told(made(*some(3, params={"model__own": 0.0}), space={"model__own": (0.0, 1.0)}), "edge"), "nobody knows"


@pytest.mark.parametrize(
    ("n", "best", "method", "found"), [(10, 8, "tpe", 1), (10, 7, "tpe", 0), (9, 8, "tpe", 0), (10, 8, "grid", 0)]
)
def test_the_best_trial_comes_late(made, n, best, method, found):
    """Of ten trials, the ninth is late, and the eighth is not."""
    trials = [(-1.0 if i == best else -2.0, {}) for i in range(n)]
    lines = told(made(*trials, method=method), "late")
    assert len(lines) == found
    assert not found or lines[0].endswith("go on with n_trials = 20.")


@pytest.mark.parametrize(
    ("best", "told_of"), [(8, "only 1 of 10 trials came after trial 8."), (9, "none of 10 trials came after trial 9.")]
)
def test_a_late_trial_is_told_by_its_own_number(made, best, told_of):
    """Trials are counted from 0: the place of trial 8 is not told beside it, as it would be 9."""
    (line,) = told(made(*((-1.0 if i == best else -2.0, {}) for i in range(10))), "late")
    assert line.startswith(f"The best trial came late: {told_of}")


@pytest.mark.parametrize(("n", "found"), [(7, 1), (8, 0)])
def test_few_trials_for_a_parameter(made, n, found):
    assert len(told(made(*some(n)), "few")) == found
    stopped = made(*some(4), *some(4, verdict="stopped"), *some(3, verdict="error"))
    assert told(stopped, "few") == [], "trials that were stopped have scores, others do not count"


@pytest.mark.parametrize(("epoch", "found"), [(94, 0), (95, 1), (0, 0)])
def test_the_best_trial_still_learned(made, epoch, found):
    trials = [(-1.0, {"epoch": epoch, "curve": {epoch: -1.0}}), (-2.0, {"epoch": 5, "curve": {100: -2.0}})]
    assert len(told(made(*trials), "still_learning")) == found


@pytest.mark.parametrize(("n", "found"), [(1, 0), (2, 1)])
def test_many_trials_were_repaired(made, n, found):
    """Of ten healthy trials, two are a fifth."""
    trials = some(10 - n) + [(-20.0 - i, {"repairs": ["halved"]}) for i in range(n)]
    lines = told(made(*trials), "repaired")
    assert len(lines) == found
    assert all("best one" not in line for line in lines)
    assert "So was the best one." in told(made((-0.5, {"repairs": ["halved"]}), *some(3)), "repaired")[0]


@pytest.mark.parametrize(("spread", "found"), [(0.49, 0), (0.51, 1)])
def test_folds_that_differ_by_half_the_gain(made, make_outcome, spread, found):
    """The gain over the dummy predictor is 1."""
    result = made((-1.0, {}))
    best = make_outcome(0, scores=(-1.0 - spread, -1.0 + spread), curve={})
    result = replace(result, outcomes={0: best}, best=best, baselines=[Baseline(DUMMY, -2.0, 0.0)])
    assert len(told(result, "noisy")) == found
    assert told(replace(result, baselines=[Baseline(DUMMY, -0.5, 0.0)]), "noisy") == [], "there is no gain"
    assert told(replace(result, baselines=[Baseline(LINEAR, -2.0, 0.0)]), "noisy") == []


def test_trials_that_cannot_be_told_apart(made):
    same, apart = Difference(-0.1, 1.0, 0.06), Difference(-1.0, 0.1, 0.04)
    assert told(made(*some(2), rivals={1: same}), "alike")
    assert told(made(*some(2), rivals={1: apart}), "alike") == []
    assert told(made(*some(2, seed_scores=[-1.0, -1.1]), rivals={1: same}), "alike") == [], "it was evaluated again"


def test_other_estimators_are_told_what_they_can_do_bug(made):
    """n_seeds is refused for them, and there is no network to give more trials to."""
    result = made(*some(2, epoch=0), rivals={1: Difference(-0.1, 1.0, 0.06)}, yardsticks=[Baseline(LINEAR, 0.5, 0.1)])
    assert "n_seeds" in told(made(*some(2), rivals=result.rivals), "alike")[0]
    assert not [step for step in next_steps(result) if "n_seeds" in step.do or "network" in step.do]
    assert told(result, "alike")[0].endswith("Take the simplest of them, or repeat the folds.")


@pytest.mark.parametrize(("n", "found"), [(19, 0), (20, 1)])
def test_the_best_of_many_is_optimistic(made, n, found):
    assert len(told(made(*some(n)), "optimistic")) == found
    assert told(made(*some(n), nested=Nested([-1.0, -2.0])), "optimistic") == []


def test_errors_are_told_where_others_are_healthy(made):
    assert told(made(*some(2), (-1.0, {"verdict": "error"})), "errors") == [
        "1 of 3 trials ended in an error. Read the reasons below."
    ]
    assert told(made(*some(2)), "errors") == []


@pytest.mark.parametrize(("n", "found"), [(3, 0), (12, 1)])
def test_the_region_of_divergence_is_left_out(made, n, found):
    bad = [(-1.0, {"verdict": "diverged", "params": {"learning_rate_init": float(v)}}) for v in np.geomspace(0.5, 1, n)]
    good = [(-1.0 - v, {"params": {"learning_rate_init": float(v)}}) for v in np.geomspace(0.01, 0.4, n)]
    lines = told(made(*bad, *good), "diverging")
    assert len(lines) == found
    assert not found or f"would exclude {n} of {n} diverged" in lines[0]
