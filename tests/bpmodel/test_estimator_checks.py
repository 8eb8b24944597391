"""The estimators keep scikit-learn's contract: its own checks, on defaults and on modes that take other paths."""

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator

from bpmodel import BPClassifier, BPEnsembleClassifier, BPEnsembleRegressor, BPRegressor

ESTIMATORS = [
    BPRegressor(),
    BPRegressor(scale_target=True),
    BPRegressor(solver="sgd", learning_rate="adaptive", activation="tanh"),
    BPClassifier(),
    BPClassifier(solver="sgd", activation="logistic"),
    BPRegressor(normalization="batch", dropout=0.1, ema_decay=0.5, solver="rprop", dtype="float64"),
    BPClassifier(loss="focal", normalization="layer", label_smoothing=0.1, solver="nadam"),
    BPEnsembleRegressor(n_members=2),
    BPEnsembleClassifier(n_members=2),
]

# `parametrize_with_checks` would show these as skipped or expected to fail, so the list is built from its generator
WEIGHTS_AS_COPIES = {
    "check_sample_weight_equivalence_on_dense_data": "batch normalization and dropout see a repeated row several times",
    "check_sample_weight_equivalence_on_sparse_data": "the same",
}
ELSEWHERE = {
    "check_array_api_input": "skips itself: the estimators take NumPy arrays",
    "check_classifiers_multilabel_output_format_decision_function": "skips itself: there is no decision_function",
}


def checks():
    for estimator in ESTIMATORS:
        plain = getattr(estimator, "normalization", "none") != "batch"
        for instance, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
            if name not in ELSEWHERE and (name not in WEIGHTS_AS_COPIES or plain):
                yield pytest.param(instance, check, id=f"{estimator}-{name}")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_contract(estimator, check):
    check(clone(estimator))
