"""What is said of a winner: one case for each sentence, at and beside the limits."""

import re
from dataclasses import replace

import numpy as np
import pytest

from search.cv import folds
from search.cv.kinds import Scheme
from search.options import REGISTER
from search.results import paired_test
from search.results.judgment import HINDRANCES, is_too_good, judgment, not_better
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

    def make(network, linear, dummy=-1.0, scoring="neg_root_mean_squared_error", **others):
        best = make_outcome(0, scores=tuple(network + NOISE[::-1]))
        baselines = [baseline("dummy predictor", dummy), baseline("linear model", linear)]
        baselines += [baseline(name.replace("_", " "), score) for name, score in others.items()]
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
    "no better than the dummy": (-1.0, -1.0, "Trial 0 is no better than the dummy predictor (p = 1.00)."),
    "worse than the dummy": (-1.5, -1.6, "Trial 0 is no better than the dummy predictor (p < 0.001)."),
    "worse than both": (-1.5, -0.5, "The linear model is better than trial 0 (p < 0.001). Use the linear model."),
}


@pytest.mark.parametrize(("network", "linear", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_each_case_has_its_sentence(result, network, linear, sentence):
    (said,) = judgment(result(network, linear))
    assert said.startswith(sentence)


USE_BOOSTING = "Gradient boosting is better than trial 0 (p {}). Use gradient boosting."
USE_LINEAR = "Trial 0 is not distinguishable from the linear model on these folds (p = 1.00)."
USE_LINEAR += " Use the linear model: it is simpler."
BETTER = "Trial 0 is better than the dummy predictor"
BESIDE = {  # network, linear model, and another model: the sentence
    "better than all": (
        -0.3,
        -0.5,
        {"gradient_boosting": -0.4},
        f"{BETTER}, the linear model and gradient boosting (p < 0.001, p ",
    ),
    "worse than boosting": (-0.5, -0.6, {"gradient_boosting": -0.3}, USE_BOOSTING),
    "the best of two better ones": (-0.5, -0.4, {"gradient_boosting": -0.3}, USE_BOOSTING),
    "better than the linear model, equal to boosting": (
        -0.3,
        -0.5,
        {"gradient_boosting": -0.3},
        f"{BETTER} and the linear model (p {{}}, p {{}}), and not distinguishable from gradient boosting (p = 1.00).",
    ),
    "equal to both": (-0.3, -0.3, {"gradient_boosting": -0.305}, USE_LINEAR),
    "equal to the linear model, better than boosting": (-0.3, -0.3, {"gradient_boosting": -0.5}, USE_LINEAR),
    "equal to the linear model, worse than boosting": (-0.5, -0.5, {"gradient_boosting": -0.3}, USE_BOOSTING),
    "equal to persistence": (
        -0.3,
        -0.5,
        {"persistence": -0.305},
        "Trial 0 is not distinguishable from persistence on these folds (p = {}). Use persistence: it is simpler.",
    ),
    "worse than the dummy, as are the others": (
        -1.5,
        -1.3,
        {"gradient_boosting": -1.2},
        "Trial 0 is no better than the dummy predictor (p < 0.001).",
    ),
    "worse than the dummy, and than a useful model": (-1.5, -1.3, {"gradient_boosting": -0.5}, USE_BOOSTING),
}


@pytest.mark.parametrize(("network", "linear", "others", "sentence"), BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("greater_is_better", [False, True])
def test_each_case_of_several_models_has_its_sentence(result, network, linear, others, sentence, greater_is_better):
    shift = 1.0 if greater_is_better else 0.0
    others = {name: score + shift for name, score in others.items()}
    scoring = "r2" if greater_is_better else "neg_root_mean_squared_error"
    (said,) = judgment(result(network + shift, linear + shift, shift - 1.0, scoring, **others))
    assert re.match(re.escape(sentence).replace(r"\{\}", ".+"), said), said


def on_one_fold(make_outcome, network, **scores):
    baselines = [Baseline(name.replace("_", " "), score, 0.0, (score,)) for name, score in scores.items()]
    best = make_outcome(3, scores=(network,))
    return Result("x", "grid", "1 fold", "r2", SPACE, {3: best}, baselines, best)


ONE_FOLD = {
    "better": (0.5, {"linear_model": 0.4}, "trial 3 scores better than the dummy predictor and the linear model"),
    "worse": (0.5, {"linear_model": 0.6, "gradient_boosting": 0.5}, "the linear model scores better than trial 3"),
    "a tie": (0.5, {"gradient_boosting": 0.5}, "gradient boosting scores the same as trial 3"),
    "no better than the dummy": (0.0, {}, "the dummy predictor scores the same as trial 3"),
}


@pytest.mark.parametrize(("network", "others", "sentence"), ONE_FOLD.values(), ids=ONE_FOLD)
def test_a_single_fold_is_compared_without_a_test(make_outcome, network, others, sentence):
    study = on_one_fold(make_outcome, network, dummy_predictor=0.0, **others)
    assert judgment(study) == [f"On the only fold, {sentence}. A single fold cannot tell whether that is chance."]
    assert judgment(replace(study, baselines=())) == []


def test_columns_that_give_the_target_away_are_named(result):
    good, perfect = result(0.5, 0.4, 0.0, "r2"), result(0.98, 0.98, 0.0, "r2")
    perfect = replace(perfect, baselines=[*perfect.baselines, Baseline("gradient boosting", 1.0, 0.0)])
    one, two = (("ChurnReason",),), (("grade_code",), ("copy_x10",))
    assert judgment(replace(perfect, suspects=one))[0] == (
        "Perfect scores: column 'ChurnReason' alone predicts the target. Is it known before?"
    )
    assert judgment(replace(perfect, suspects=two))[0] == (
        "Perfect scores: columns 'grade_code' and 'copy_x10' predict the target, each alone. Are they known before?"
    )
    together = (("casual", "registered"),)
    assert judgment(replace(perfect, suspects=together))[0] == (
        "Perfect scores: columns 'casual' and 'registered' together give the target. Are they known before?"
    )
    assert judgment(replace(perfect, suspects=(*together, *one)))[0] == judgment(replace(perfect, suspects=one))[0]
    assert judgment(replace(good, suspects=one))[0] == (
        "Column 'ChurnReason' alone predicts the target. Is it known before?"
    )
    assert len(judgment(replace(good, suspects=one))) == len(judgment(good)) + 1 == 2
    assert len(judgment(replace(good, suspects=one, best=None))) == 1


WORTH = {  # network, linear, dummy, others: why it is not registered
    "better than all": (-0.3, -0.5, -1.0, {}, ""),
    "better than the dummy, equal to the linear model, with a better mean": (-0.3, -0.301, -1.0, {}, ""),
    "the same mean as the linear model": (-0.3, -0.3, -1.0, {}, ""),
    "a mean worse than the linear model's, by chance": (-0.301, -0.3, -1.0, {}, "the linear model scores better"),
    "worse than boosting": (-0.3, -0.5, -1.0, {"gradient_boosting": -0.2}, "gradient boosting scores better"),
    "better than the dummy by chance": (
        -0.995,
        -1.1,
        -1.0,
        {},
        "it is not distinguishable from the dummy predictor (p = ",
    ),
    "worse than the dummy": (-1.5, -1.6, -1.0, {}, "the dummy predictor scores better"),
}


@pytest.mark.parametrize(("network", "linear", "dummy", "others", "reason"), WORTH.values(), ids=WORTH)
def test_what_is_worth_registering(result, network, linear, dummy, others, reason):
    told = not_better(result(network, linear, dummy, **others))
    assert told.startswith(reason)
    assert bool(told) is bool(reason)


def test_what_cannot_be_compared_is_not_worth_registering(result, make_outcome):
    study = result(-0.3, -0.5)
    assert not_better(replace(study, best=None)) == "it cannot be compared with the dummy predictor"
    assert not_better(replace(study, baselines=study.baselines[1:])) == "it cannot be compared with the dummy predictor"
    one = on_one_fold(make_outcome, 0.5, dummy_predictor=0.0)
    assert not_better(one) == "a single fold cannot show that it is better than the dummy predictor"


def test_every_choice_of_register_is_decided(result):
    assert HINDRANCES.keys() == REGISTER.keys()
    assert HINDRANCES["always"](result(-1.5, -1.6)) == ""


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
