"""What is said of a winner: one case for each sentence, at and beside the limits."""

from dataclasses import replace

import numpy as np
import pytest

from search.cv import folds
from search.cv.kinds import Scheme
from search.results import paired_test
from search.results.judgment import is_too_good, judgment
from search.results.result import Result
from search.space import spaces
from search.trials.baselines import Baseline

SPLITS = folds.split(Scheme("k_fold", 5), np.zeros(50), seed=0, where="test")
NOISE = np.array([0.01, -0.02, 0.015, -0.01, 0.005])
SPACE = spaces.build({"alpha": [0.1, 1.0]})


def baseline(name, score, noise=NOISE):
    scores = score + noise
    return Baseline(name, float(scores.mean()), float(scores.std()), tuple(scores))


@pytest.fixture
def result(make_outcome):
    """Return the result of a study, from mean scores over five folds."""

    def make(network, linear, dummy=-1.0, scoring="neg_root_mean_squared_error"):
        best = make_outcome(0, scores=tuple(network + NOISE[::-1]))
        baselines = [baseline("dummy predictor", dummy), baseline("linear model", linear)]
        against = paired_test.against(baselines, best, SPLITS)
        return Result("x", "grid", "5 folds", scoring, SPACE, {0: best}, baselines, best, against=against)

    return make


SENTENCES = {
    "better than both": (
        -0.3,
        -0.5,
        "Trial 0 is better than the dummy predictor and the linear model (p < 0.001, p ",
    ),
    "not distinguishable": (
        -0.5,
        -0.505,
        "Trial 0 is not distinguishable from the linear model on these folds (p = 0.",
    ),
    "worse than the linear model": (-0.5, -0.3, "The linear model is better than trial 0 (p "),
    "better than the dummy by chance": (
        -0.995,
        -1.0,
        "Trial 0 is not distinguishable from the dummy predictor on these",
    ),
    "no better than the dummy": (-1.0, -1.0, "Trial 0 is no better than the dummy predictor (p = 1)."),
    "worse than the dummy": (-1.5, -1.6, "Trial 0 is no better than the dummy predictor (p < 0.001)."),
    "worse than both": (-1.5, -0.5, "The linear model is better than trial 0 (p < 0.001). Use the linear model."),
}


@pytest.mark.parametrize(("network", "linear", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_each_case_has_its_sentence(result, network, linear, sentence):
    (said,) = judgment(result(network, linear))
    assert said.startswith(sentence)


def test_the_difference_is_that_of_the_folds(result):
    found = result(-0.3, -0.5).against["linear model"]
    expected = paired_test.difference(-0.3 + NOISE[::-1], -0.5 + NOISE, ratio=10 / 40)
    assert found == expected
    assert found.mean == pytest.approx(0.2)


PERFECT = {
    "an error of a thousandth of the dummy's": ("neg_mean_absolute_error", -1.0, -0.000999, -0.00101),
    "an accuracy": ("accuracy", 0.5, 0.9991, 0.9989),
    "R^2": ("r2", 0.0, 1.0, 0.9989),
}


@pytest.mark.parametrize(("scoring", "dummy", "too_good", "good"), PERFECT.values(), ids=PERFECT)
def test_a_score_that_is_too_good_is_questioned(result, scoring, dummy, too_good, good):
    study = result(dummy / 2, dummy, dummy, scoring)
    study = replace(study, baselines=[replace(b, score=dummy) for b in study.baselines])
    perfect = replace(study.baselines[1], score=too_good)
    assert is_too_good(replace(study, baselines=[study.baselines[0], perfect]))
    assert not is_too_good(replace(study, baselines=[study.baselines[0], replace(perfect, score=good)]))
    told = judgment(replace(study, baselines=[study.baselines[0], perfect]))
    assert told[0] == "The scores are nearly perfect. Does a column give the target away?"


def test_a_perfect_dummy_and_scores_without_a_limit_are_not_questioned(result):
    study = result(1.0, 1.0, 1.0, "accuracy")
    assert not is_too_good(replace(study, baselines=[replace(b, score=1.0) for b in study.baselines]))
    assert not is_too_good(result(50.0, 3.0, 0.0, "custom"))


def test_nothing_is_said_where_nothing_can_be_compared(result):
    study = result(-0.3, -0.5)
    assert judgment(replace(study, best=None)) == []
    one = folds.split(Scheme("predefined"), np.zeros(4), np.array([-1, -1, 0, 0]), seed=0, where="test")
    assert paired_test.against(study.baselines, study.best, one) == {}
    assert paired_test.against(study.baselines, None, SPLITS) == {}
    bare = [replace(b, fold_scores=()) for b in study.baselines]
    assert judgment(replace(study, against=paired_test.against(bare, study.best, SPLITS))) == []


def test_without_a_linear_model_only_the_dummy_counts(result):
    study = result(-0.3, -0.5)
    alone = {"dummy predictor": study.against["dummy predictor"]}
    (said,) = judgment(replace(study, against=alone))
    assert said == "Trial 0 is better than the dummy predictor (p < 0.001)."
