"""Outcomes are put in order, and several evaluations of a configuration into one."""

import pytest

from search.outcomes import order, pool, winner


def test_the_winner_is_healthy_and_the_earliest_of_equals(make_outcome):
    outcomes = [
        make_outcome(0, "diverged"),
        make_outcome(1, "stopped", scores=(9.0,)),
        make_outcome(2, scores=(1.0,)),
        make_outcome(3, scores=(2.0,)),
        make_outcome(4, scores=(2.0,)),
        make_outcome(5, "error"),
    ]
    assert winner({o.number: o for o in outcomes}).number == 3
    assert winner({0: outcomes[0]}) is None
    assert [o.number for o in sorted(outcomes, key=order)] == [3, 4, 2, 1, 0, 5]


def test_what_was_evaluated_more_often_comes_first(make_outcome):
    lucky, steady = make_outcome(0, scores=(3.0,)), make_outcome(1, scores=(2.5,))
    steady = pool(steady, [make_outcome(1, scores=(2.1,))])
    assert winner({0: lucky, 1: steady}).number == 1


def test_scores_are_pooled_fold_by_fold_and_the_epoch_is_that_of_the_mean_curve(make_outcome):
    first = make_outcome(7, scores=(1.0, 3.0), curve={4: 1.0, 6: 2.0, 9: 1.9})
    second = make_outcome(7, scores=(2.0, 4.0), curve={4: 3.0, 6: 1.0})
    both = pool(first, [second])
    assert both.fold_scores == [1.5, 3.5]
    assert both.curve == {4: 2.0, 6: 1.5}
    assert both.epoch == 4
    assert both.seed_scores == [2.0, 3.0]
    assert pool(first, []) is first


@pytest.mark.parametrize("verdict", ["diverged", "error"])
def test_a_configuration_that_fails_with_one_seed_is_not_healthy(make_outcome, verdict):
    both = pool(make_outcome(7, scores=(1.0,)), [make_outcome(7, scores=(2.0,)), make_outcome(7, verdict)])
    assert both.verdict == verdict
    assert both.reason.startswith("with seed 3")
    assert both.seed_scores == []
