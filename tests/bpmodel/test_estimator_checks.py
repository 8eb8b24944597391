"""The estimators keep scikit-learn's contract: its own checks, on defaults and on modes that take other paths."""

import pytest
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

from bpmodel import BPClassifier, BPEnsembleClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.functions.losses import REGRESSION
from bpmodel.functions.scaling import SCALINGS

ESTIMATORS = [
    BPRegressor(),
    BPRegressor(scale_target=True),
    BPRegressor(solver="sgd", learning_rate="adaptive", activation="tanh"),
    BPClassifier(),
    BPClassifier(solver="sgd", activation="logistic"),
    BPRegressor(normalization="batch", dropout=0.1, ema_decay=0.5, solver="rprop", dtype="float64"),
    BPClassifier(loss="focal", normalization="layer", label_smoothing=0.1, solver="nadam"),
    *(BPRegressor(scale_input=kind) for kind in SCALINGS if kind != "none"),
    *(BPClassifier(scale_input=kind) for kind in SCALINGS if kind != "none"),
    *(BPRegressor(loss=loss) for loss in REGRESSION if loss != "squared_error"),
    BPRegressor(loss="gamma", scale_target=True),
    BPRegressor(input_noise=0.1),
    BPRegressor(on_divergence="ignore"),
    BPEnsembleRegressor(BPRegressor(scale_input="robust"), n_members=2),
    BPEnsembleRegressor(n_members=2),
    BPEnsembleClassifier(n_members=2),
]

# `parametrize_with_checks` would show these as skipped or expected to fail, so the list is built from its generator
WEIGHTS_AS_COPIES = {
    "check_sample_weight_equivalence_on_dense_data": "batch normalization, dropout and noise see a repeated row several times",
    "check_sample_weight_equivalence_on_sparse_data": "the same",
}
ELSEWHERE = {
    "check_array_api_input": "skips itself: the estimators take NumPy arrays",
    "check_classifiers_multilabel_output_format_decision_function": "skips itself: there is no decision_function",
}


def checks():
    for estimator in ESTIMATORS:
        plain = getattr(estimator, "normalization", "none") != "batch" and not getattr(estimator, "input_noise", 0)
        for instance, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
            if name not in ELSEWHERE and (name not in WEIGHTS_AS_COPIES or plain):
                yield pytest.param(instance, check, id=f"{estimator}-{name}")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_contract(estimator, check):
    check(clone(estimator))


@pytest.mark.parametrize(
    ("options", "sparse"),
    [({}, True), ({"input_noise": 0.0}, True), ({"input_noise": 1e-9}, False)]
    + [({"scale_input": kind}, kind != "robust") for kind in SCALINGS]
    + [({"scale_input": "of another version", "input_noise": None}, True)],
    ids=str,
)
def test_the_tag_of_sparse_rows_depends_on_the_options(options, sparse):
    """Networks said that they take sparse rows, and refused them."""
    for network, ensemble in ((BPRegressor, BPEnsembleRegressor), (BPClassifier, BPEnsembleClassifier)):
        assert get_tags(network(**options)).input_tags.sparse == sparse
        assert get_tags(ensemble(network(**options))).input_tags.sparse == sparse


@pytest.mark.parametrize("loss", [*REGRESSION, "of another version", None])
@pytest.mark.parametrize("scale_target", [False, True])
def test_the_tags_of_losses_that_need_positive_targets(loss, scale_target):
    positive = loss in ("poisson", "gamma")
    for estimator in (
        network := BPRegressor(loss=loss, scale_target=scale_target),
        BPEnsembleRegressor(network),
    ):
        tags = get_tags(estimator)
        assert tags.target_tags.positive_only == positive
        assert tags.target_tags.multi_output != positive
        assert tags.regressor_tags.poor_score == (positive and not scale_target)
