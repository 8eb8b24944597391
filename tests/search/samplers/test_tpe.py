"""The estimator is Optuna's; which trials of a long study it forgets is ours."""

import pytest
from optuna.samplers._tpe.sampler import default_gamma, default_weights

from search.samplers import tpe
from search.samplers.tpe import BEST, LATEST, TPESampler, _rank
from search.space import spaces
from search.trials.penalties import Feedback

SPACE = spaces.build({"alpha": (0.0, 1.0)})


def told(make_outcome, feedback, curves=None) -> TPESampler:
    """Return a sampler that was told of trials in order."""
    sampler = TPESampler(SPACE, 0)
    for number, one in enumerate(feedback):
        curve = (curves or {}).get(number, {4: -2.0, 6: -1.0})
        sampler.tell(make_outcome(number, params={"alpha": 0.5}, curve=curve), one)
    return sampler


RANKED = [
    Feedback(-1.0),
    Feedback(-50.0),
    Feedback(0.0, state="pruned"),
    Feedback(-3.0, 0.1),
    Feedback(-4.0, 0.1),
    Feedback(0.0, 10.0, state="pruned"),
]
"""From best to worst: complete by value, then pruned, then infeasible ones in the same way."""


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (3, 1, 5, 0, 2, 4)], ids=str)
def test_complete_rank_above_pruned_above_infeasible_trials(make_outcome, order):
    trials = told(make_outcome, [RANKED[i] for i in order])._told
    ranked = sorted(range(6), key=lambda i: _rank(trials[i]), reverse=True)
    assert [order[i] for i in ranked] == [0, 1, 2, 3, 4, 5]


def test_pruned_trials_rank_by_their_best_score_at_any_checkpoint(make_outcome):
    curves = {0: {4: -1.0, 6: -9.0}, 1: {4: -2.0, 6: -1.5}, 2: {}}
    trials = told(make_outcome, [Feedback(0.0, state="pruned")] * 3, curves)._told
    assert [_rank(trial)[2] for trial in trials] == [-1.0, -1.5, float("-inf")]


def test_beyond_360_trials_it_knows_300(make_outcome):
    feedback = [Feedback(float(n % 100)) for n in range(361)]
    assert len(told(make_outcome, feedback[:360])._told) == 360
    sampler = told(make_outcome, feedback)
    assert len(sampler._told) == 300 == len(sampler._study.get_trials())


def test_a_long_study_that_is_gone_on_with_is_made_once(make_outcome, monkeypatch):
    """It was made anew whenever it forgot: 254 times before the first proposal behind 20,000 trials, which took half a minute."""
    made = []
    monkeypatch.setattr(tpe, "_study", lambda trials, make=tpe._study: made.append(len(trials)) or make(trials))
    sampler = told(make_outcome, [Feedback(float(n % 100)) for n in range(1000)])
    assert made == []
    assert 0.0 <= sampler.ask(1000)["alpha"] <= 1.0
    assert made == [len(sampler._told)]


def test_the_best_and_the_latest_are_not_forgotten(make_outcome):
    """25 feasible ones come first and then only infeasible ones: without a rank of feasibility some of them would be lost."""
    feedback = [Feedback(-100.0)] * 25 + [Feedback(1.0, 1.0)] * 335 + [Feedback(1.0, 2.0)]
    kept = told(make_outcome, feedback)._told
    assert sum(trial.value == -100.0 for trial in kept) == 25
    assert all(trial.constraints["divergence"] == 1.0 for trial in kept[25:-1])
    assert kept[-1].constraints["divergence"] == 2.0


def test_what_is_kept_is_what_optuna_takes_as_good_and_weighs_in_full():
    weights = default_weights(1000)
    assert default_gamma(10**6) == BEST
    assert (weights[-LATEST:] == 1).all()
    assert weights[-LATEST - 2] < 1


def test_failed_trials_are_not_seen(make_outcome):
    sampler = told(make_outcome, [Feedback(float("nan"), state="failed"), Feedback(-1.0)])
    assert len(sampler._told) == 1


def test_proposals_are_the_same_again_after_something_was_forgotten(make_outcome):
    """The new study once more needs a seed of ours."""
    feedback = [Feedback(float(n % 100)) for n in range(361)]
    first, second = (told(make_outcome, feedback) for _ in range(2))
    assert [first.ask(number) for number in range(361, 364)] == [second.ask(number) for number in range(361, 364)]
    third = told(make_outcome, feedback)
    assert third.ask(400) != first.ask(400)


def test_trials_that_run_are_known_after_something_was_forgotten(make_outcome):
    sampler = told(make_outcome, [Feedback(float(n % 100)) for n in range(360)])
    running = {number: sampler.ask(number) for number in (360, 361)}
    sampler.tell(make_outcome(362, params={"alpha": 0.5}), Feedback(1.0))
    trials = sampler._study.get_trials(deepcopy=False)
    assert [trials[place].params["alpha"] for place in sampler._running.values()] == [
        p["alpha"] for p in running.values()
    ]
    sampler.tell(make_outcome(361, params=running[361]), Feedback(2.0))
    assert list(sampler._running) == [360]
    assert sampler._study.get_trials(deepcopy=False)[-1].value == 2.0


@pytest.mark.parametrize(
    ("given", "group"),
    [({"alpha": (0.0, 1.0)}, False), ({"m": {"low": 0.5, "high": 0.9, "when": {"s": ["a"]}}, "s": ["a", "b"]}, True)],
)
def test_parameters_are_modelled_together_and_in_groups_where_some_do_not_exist(given, group):
    sampler = TPESampler(spaces.build(given), 0)
    sampler.ask(0)
    assert (sampler._study.sampler._multivariate, sampler._study.sampler._group) == (True, group)
    assert sampler._study.direction.name == "MAXIMIZE"


def test_a_study_that_is_gone_on_with_draws_something_new():
    """Each run of a study makes a new sampler, which begins with another number."""
    assert TPESampler(SPACE, 0).ask(0) == TPESampler(SPACE, 0).ask(0)
    assert TPESampler(SPACE, 0).ask(0) != TPESampler(SPACE, 0).ask(1) != TPESampler(SPACE, 1).ask(1)


def test_only_parameters_that_exist_are_suggested():
    space = spaces.build({"solver": ["sgd", "adam"], "momentum": {"low": 0.5, "high": 0.9, "when": {"solver": "sgd"}}})
    proposed = [TPESampler(space, seed).ask(0) for seed in range(10)]
    assert {(p["solver"], "momentum" in p) for p in proposed} == {("sgd", True), ("adam", False)}
