"""Checkpoints of a trial, and when its scores have stopped rising."""

import itertools

import pytest

from search.trials.checkpoints import checkpoints, plateaued

RISING, FLAT = [0.1, 0.2, 0.3, 0.4], [0.4, 0.4, 0.4, 0.4]


@pytest.mark.parametrize(
    ("max_iter", "expected"),
    [(1, [1]), (4, [4]), (5, [4, 5]), (6, [4, 6]), (30, [4, 6, 9, 13, 19, 27, 30])],
)
def test_steps_grow_by_two_fifths_and_end_with_the_last_epoch(max_iter, expected):
    assert checkpoints(max_iter) == expected


def test_neighbors_are_close():
    """So the best number of epochs is found to within 20 percent."""
    ratios = [high / low for low, high in itertools.pairwise(checkpoints(10**6)[20:-1])]
    assert ratios == pytest.approx([1.4] * len(ratios), abs=0.01)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (FLAT, True),  # as good is no better
        (RISING, False),
        ([0.5, 0.3, 0.4, 0.5], True),
        ([0.5, 0.3, 0.4, 0.5 + 1e-9], False),
        (FLAT[:3], False),  # three checkpoints without a better score need one before them
        ([0.5, 0.9, 0.1, 0.1], False),  # two without a better one
        ([0.5, 0.9, 0.1, 0.1, 0.1], True),
    ],
)
def test_no_better_score_for_three_checkpoints(scores, expected):
    assert plateaued(scores, 100, 100) is expected


@pytest.mark.parametrize(("epoch", "expected"), [(12, False), (13, True)])
def test_nothing_is_given_up_in_the_first_eighth_of_the_epochs(epoch, expected):
    assert plateaued(FLAT, epoch, 104) is expected
