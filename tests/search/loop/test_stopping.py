"""A study ends early where its rules say so."""

import pytest

from search.loop.stopping import NONE, Incumbent, StopRules


@pytest.fixture
def incumbent(make_outcome):
    seen = Incumbent()
    for number, (verdict, score) in enumerate(
        [("ok", 1.0), ("diverged", 0.0), ("ok", 3.0), ("stopped", 9.0), ("ok", 3.0)]
    ):
        seen.see(make_outcome(number, verdict, scores=(score,)))
    return seen


def test_the_leader_is_the_first_of_the_best(incumbent):
    assert incumbent.trial.number == 2
    assert incumbent.since == 2


def test_a_score_that_is_as_good_is_no_better_also_of_an_earlier_trial(make_outcome):
    """Of trials that run at the same time a later one may end first."""
    seen = Incumbent()
    for number in (1, 0, 2):
        seen.see(make_outcome(number, scores=(3.0,)))
    assert (seen.trial.number, seen.since) == (1, 2)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (NONE, ""),
        (StopRules(target_score=3.0), "trial 2 reached the target score 3"),
        (StopRules(target_score=3.1), ""),
        (StopRules(n_trials_no_change=2), "none of the last 2 trials was better than trial 2"),
        (StopRules(n_trials_no_change=3), ""),
        (StopRules(timeout=1e-9), ""),
    ],
)
def test_reasons(incumbent, rules, reason):
    assert rules.enough(incumbent) == reason


def test_nothing_is_enough_without_a_healthy_trial(make_outcome):
    seen = Incumbent()
    for number in range(5):
        seen.see(make_outcome(number, "diverged"))
    assert StopRules(target_score=-1e9, n_trials_no_change=1).enough(seen) == ""


@pytest.mark.parametrize(
    ("timeout", "kept", "latest"),
    [(2.0, 0.0, 2.0), (60.0, 18.0, 42.0), (60.0, 20.0, 40.0), (60.0, 300.0, 40.0), (9.0, 2.0, 7.0)],
)
def test_time_less_what_is_kept_and_that_is_a_third_at_most(timeout, kept, latest):
    rules = StopRules(timeout=timeout)
    assert not rules.out_of_time(latest, kept)
    assert rules.out_of_time(latest + 1e-9, kept)


def test_there_is_always_time_without_a_timeout():
    assert not NONE.out_of_time(1e9, 1e9)
