"""What a model of a long study is shown: the best, the latest, and an even sample of the rest."""

import numpy as np
import pytest

from search.samplers.thinning import selection


@pytest.mark.parametrize("total", [3, 10, 11, 500])
def test_selection_has_the_best_and_the_latest(total):
    values = np.random.default_rng(0).permutation(total).tolist()
    kept = selection(values, 10, best=4, latest=3)
    assert len(kept) == min(total, 10)
    assert kept == sorted(set(kept))
    assert set(kept) >= set(range(max(total - 3, 0), total))
    assert set(kept) >= {values.index(v) for v in sorted(values)[-4:]}


@pytest.mark.parametrize(
    ("values", "n", "best", "latest", "expected"),
    [
        # rest 1..8: two of them are its ends, three are its ends and its middle
        ([9, 0, 0, 0, 0, 0, 0, 0, 0, 0], 4, 1, 1, [0, 1, 8, 9]),
        ([9, 0, 0, 0, 0, 0, 0, 0, 0, 0], 5, 1, 1, [0, 1, 5, 8, 9]),
        # the best is among the latest: one more of the rest
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 9], 4, 1, 1, [0, 4, 8, 9]),
        # of equals the first
        ([1, 1, 1, 1, 1, 1], 2, 2, 0, [0, 1]),
        ([0, 3, 1, 2, 0, 0], 3, 2, 1, [1, 3, 5]),
        # as many as there are
        ([3, 1, 2], 3, 1, 0, [0, 1, 2]),
        ([3, 1, 2], 2, 1, 0, [0, 1]),
    ],
)
def test_by_hand(values, n, best, latest, expected):
    assert selection(values, n, best=best, latest=latest) == expected
