"""The quick formulas give what scikit-learn's scorers give."""

import numpy as np
import pytest
from sklearn.metrics import get_scorer

from search import scorers
from search.holdout import metrics
from search.holdout.metrics import CLASSIFICATION, REGRESSION
from search.holdout.sample import Sample

N = 60


def regression(seed: int = 0) -> Sample:
    random = np.random.default_rng(seed)
    truth = random.normal(3, 2, N)
    return Sample(truth, truth + random.normal(0.2, 1, N))


def classification(classes: tuple, seed: int = 0, positive: int | None = None) -> Sample:
    random = np.random.default_rng(seed)
    truth = random.integers(0, len(classes), N)
    given = random.dirichlet(np.ones(len(classes)), N) + 0.8 * np.eye(len(classes))[truth]
    given[0] = given[1]  # ties
    given /= given.sum(axis=1, keepdims=True)
    return Sample(truth, given.argmax(axis=1), given, classes, positive)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("metric", REGRESSION, ids=lambda metric: metric.scoring)
def test_metric_of_a_regression(metric, seed):
    sample = regression(seed)
    sign = -1 if metric.scoring.startswith("neg_") else 1
    assert metric.compute(sample) == pytest.approx(sign * sample.score(get_scorer(metric.scoring)), rel=1e-12)


@pytest.mark.parametrize("classes", [("no", "yes"), (3, 7), (False, True), ("a", "b", "c"), (0, 1, 2, 5)], ids=str)
@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("metric", CLASSIFICATION, ids=lambda metric: metric.scoring)
def test_metric_of_classes(metric, classes, positive):
    sample = classification(classes, positive=positive if len(classes) == 2 else None)
    if not metric.suits(sample):
        assert (len(classes) == 2) == (metric.scoring in ("f1_macro", "roc_auc_ovr"))
        return
    chosen = classes[positive] if len(classes) == 2 else None
    scorer = scorers.told_classes(metric.scoring, list(classes), chosen, lacking=True)
    sign = -1 if metric.scoring.startswith("neg_") else 1
    assert metric.compute(sample) == pytest.approx(sign * sample.score(scorer), rel=1e-12)


def test_rows_without_one_of_the_classes():
    """A test file may lack a class, and a resample does soon."""
    sample = classification(("a", "b", "c"))
    part = sample.take(np.flatnonzero(sample.truth != 1))
    for name in ("accuracy", "balanced_accuracy", "roc_auc_ovr", "neg_log_loss"):
        (metric,) = (m for m in CLASSIFICATION if m.scoring == name)
        scorer = scorers.told_classes(name, list(sample.classes), None, lacking=True)
        expected = part.score(scorer) if name != "balanced_accuracy" else metrics._by_scorer(name, part).compute(part)
        assert metric.compute(part) == pytest.approx(abs(expected), rel=1e-12)
    one = sample.take(np.flatnonzero(sample.truth == 0))
    assert np.isnan(metrics.roc_auc_ovr(one))


def test_undefined_values_are_nan_and_no_error():
    constant = Sample(np.ones(3), np.arange(3.0))
    assert np.isnan(metrics.r2(constant))
    assert metrics.matthews_corrcoef(Sample(np.zeros(3, int), np.zeros(3, int), classes=("a", "b"))) == 0
    alone = Sample(np.zeros(3, int), np.zeros(3, int), np.full((3, 2), 0.5), ("a", "b"), 1)
    assert np.isnan(metrics.roc_auc(alone))


def test_the_metrics_of_the_study_come_first_and_any_scorer_will_do():
    sample = regression()
    found = metrics.suitable(sample, ["neg_max_error", "r2"])
    assert [metric.scoring for metric in found][:3] == ["neg_max_error", "r2", "neg_root_mean_squared_error"]
    assert found[0].compute(sample) == pytest.approx(np.abs(sample.truth - sample.predicted).max())
    assert len(found) == len(REGRESSION) + 1
    two = classification(("no", "yes"), positive=1)
    assert metrics.suitable(two, ["jaccard"])[0].compute(two) == pytest.approx(
        two.confusion[1, 1] / (two.confusion.sum() - two.confusion[0, 0])
    )
    counts = metrics.suitable(Sample(np.array([-1.0, 2.0]), np.array([1.0, 2.0])), ["neg_mean_poisson_deviance"])
    assert np.isnan(counts[0].compute(Sample(np.array([-1.0, 2.0]), np.array([1.0, 2.0]))))


@pytest.mark.parametrize(("low", "shown"), [(0.0, False), (1e-3, True)])
def test_a_percentage_error_needs_targets_that_are_not_zero(low, shown):
    sample = Sample(np.array([low, 2.0]), np.ones(2))
    assert ("neg_mean_absolute_percentage_error" in [m.scoring for m in metrics.suitable(sample)]) is shown


def test_without_probabilities_there_are_no_metrics_of_them():
    sample = classification(("a", "b"), positive=1)
    names = [m.scoring for m in metrics.suitable(sample.predicting(sample.predicted))]
    assert names == ["accuracy", "balanced_accuracy", "f1", "precision", "recall", "matthews_corrcoef"]


def test_the_dummy_predictor_knows_the_training_target_only():
    sample = regression()
    assert set(metrics.dummy(sample, {"mean": 2.5}, {}).predicted) == {2.5}
    assert metrics.dummy(sample, {"mean": [1.0, 2.0]}, {}) is None
    assert metrics.dummy(sample, None, {}) is None
    two = classification(("a", "b"))
    made = metrics.dummy(two, {"classes": ["b", "a"], "rows": [30, 10]}, {"a": 0, "b": 1})
    assert set(made.predicted) == {1}
    assert made.probabilities[0].tolist() == [0.25, 0.75]
    assert metrics.dummy(two, {"classes": ["b", "c"], "rows": [30, 10]}, {"a": 0, "b": 1}) is None


def test_a_class_of_one_row_counts_in_the_balanced_accuracy():
    sample = Sample(np.array([0, 0, 1]), np.array([0, 0, 0]), None, ("a", "b"), 0)
    assert metrics.balanced_accuracy(sample) == 0.5
