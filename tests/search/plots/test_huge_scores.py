"""Scores and losses as large as numbers can be, and equal ones, are drawn: a study ends with its figures all the same."""

import json

import numpy as np
import pytest

from search.plots import gallery
from search.plots.figures.fold_scores import fold_scores
from search.plots.interactive.trials import data
from search.plots.subject import subject
from search.results.result import Result
from search.space import spaces
from search.trials.baselines import DUMMY, Baseline
from search.trials.out_of_fold.predictions import OutOfFold
from search.trials.out_of_fold.summary import summary

SPACE = {"learning_rate_init": (1e-3, 1.0, "log"), "alpha": (1e-3, 1.0, "log")}
HUGE = 1.7e308


@pytest.fixture
def made(make_outcome):
    """Make a result of trials with these scores, the same on both folds but for rounding."""

    def made(scores, scoring="r2", **more) -> Result:
        space = spaces.build(SPACE)
        losses = {"training": [HUGE, 5e-324, 1.0], "validation": [1.0, HUGE, HUGE]}
        params = {n: space.random_point(0, n) for n in range(len(scores))}
        outcomes = {
            n: make_outcome(n, scores=(score, score), params=params[n], losses=losses, n_weights=5 + n)
            for n, score in enumerate(scores)
        }
        dummy = Baseline(DUMMY, scores[-1], 0.0, fold_scores=(scores[-1], scores[-1]))
        best = max(outcomes.values(), key=lambda o: o.score)
        return Result("s", "random", "2 folds", scoring, space, outcomes, [dummy], best, **more)

    return made


SCORES = {
    "of both signs": [HUGE, -HUGE, 0.5, 1e300, -1e300, *np.linspace(-1, 1, 12).tolist()],
    "all huge": np.linspace(-HUGE / 2, -HUGE, 17).tolist(),
    "all equal": [1e17] * 12,
    "equal but for rounding": [1e17 + 16 * n for n in range(12)],
    "tiny": np.linspace(1e-310, 2e-310, 12).tolist(),
}


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES.keys())
@pytest.mark.parametrize("scoring", ["r2", "neg_mean_squared_error"])
def test_scores_of_any_size_are_drawn_bug(made, scores, scoring):
    """Squares and differences of scores overflowed, and an axis had no length: an error at the end of the study."""
    drawn = subject(made(scores, scoring))
    assert json.dumps(data(drawn), allow_nan=False)
    for name in ("history", "fold_scores", "learning_curves", "contour", "importance"):
        assert gallery.PICTURES[name].worth(drawn) in (True, False)
    for draw in (gallery.PICTURES["history"].draw, fold_scores, gallery.PICTURES["learning_curves"].draw):
        draw(drawn).canvas.draw()


def test_scores_that_can_be_drawn_are_drawn_as_they_are(made):
    result = made([0.5, 1e99, -3.0])
    assert subject(result).outcomes == result.outcomes
    drawn = subject(made([1e200, 1.0]))
    assert [o.score for o in drawn.outcomes.values()] == [1e100, 1.0]
    assert drawn.best is drawn.outcomes[0]


def test_predictions_of_any_size_are_summarized_and_drawn_bug(made):
    rows, truth = np.arange(4, dtype=np.int32), np.array([1.0, -1.0, 0.5, -0.5]) * HUGE
    told = summary(0, OutOfFold(rows, rows, truth, -truth))
    assert np.isfinite([told.outputs[0].r2, told.outputs[0].bias]).all()
    assert told.outputs[0].r2 == pytest.approx(-3)
    gallery.PICTURES["residuals"].draw(made([1.0, 0.5], out_of_fold=told)).canvas.draw()
    smaller = summary(0, OutOfFold(rows, rows, truth / 1e10, truth / 2e10))
    assert smaller.outputs[0].rmse == pytest.approx(HUGE / 1e10 * np.sqrt(0.625) / 2)
