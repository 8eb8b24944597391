"""What a network is made of cannot change where a fit continues it; everything else can."""

import numpy as np
import pytest

from bpmodel import BPClassifier, BPRegressor
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

X = np.random.default_rng(0).normal(size=(30, 2))
START = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
CHANGED = {
    "loss": "poisson",
    "hidden_layer_sizes": (16, 8),
    "activation": "tanh",
    "scale_input": "standard",
    "normalization": "layer",
    "dtype": "float32",
    "scale_target": True,
}
SAME = {
    "loss": ["huber"],
    "hidden_layer_sizes": [8, [8], np.array([8])],
    "activation": [["relu"]],
    "dtype": ["float64", "auto"],
}


def test_the_table_says_what_the_structure_is():
    assert {o.name for o in REGRESSOR_OPTIONS if o.structure} == set(CHANGED)
    assert {o.name for o in CLASSIFIER_OPTIONS if o.structure} == set(CHANGED) - {"loss", "scale_target"}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("name", "value"), CHANGED.items())
def test_a_changed_structure_is_named(name, value, method):
    """The network stayed as it was, while `get_params` said something else."""
    y = np.abs(X[:, 0]) + 1
    model = BPRegressor(**START, warm_start=True).fit(X, y)
    before = model._parameters.copy()
    with pytest.raises(ValueError, match=rf"^{name}=.* does not fit the network, which was made with .*warm_start"):
        getattr(model.set_params(**{name: value}), method)(X, y)
    np.testing.assert_array_equal(model._parameters, before)
    getattr(model.set_params(**{name: getattr(BPRegressor(**START), name)}), method)(X, y)
    model.set_params(warm_start=False, **{name: value}).fit(X, y)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in SAME for value in SAME[name]], ids=str)
def test_another_spelling_is_no_change(name, value):
    model = BPRegressor(**START, warm_start=True).fit(X, X[:, 0])
    model.set_params(**{name: value}).fit(X, X[:, 0])


FREE = {
    "solver": "lbfgs", "alpha": 1.0, "batch_size": 10, "learning_rate": "cosine", "learning_rate_init": 0.1, "max_iter": 3,
    "shuffle": False, "random_state": 1, "early_stopping": True, "init": "orthogonal", "init_gain": 2.0, "zero_last_layer": True,
    "dropout": 0.1, "input_noise": 0.1, "l1": 0.1, "weight_decay": 0.1, "max_norm": 1.0, "ema_decay": 0.9, "clipping": "norm",
    "warmup_epochs": 1, "on_divergence": "raise", "label_smoothing": 0.1, "class_weight": "balanced", "loss": "focal",
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FREE.items())
def test_everything_else_may_change(name, value):
    y = (X[:, 0] > 0).astype(int)
    model = BPClassifier(**START, warm_start=True).fit(X, y)
    model.set_params(**{name: value}).fit(X, y)


def test_a_repair_may_change_the_structure_of_a_network_that_goes_on():
    """The options of the estimator are those of its first fit, although the repaired network differs from them."""
    model = BPRegressor(**START | {"max_iter": 30}, warm_start=True, on_divergence="repair", solver="sgd")
    model.fit(X * 1e4, X[:, 0])
    assert model.repairs_
    model.fit(X * 1e4, X[:, 0])


def test_a_fit_that_could_not_begin_leaves_no_network():
    """A network was drawn, whose scales had been learned from other rows, and the next fit went on from there."""
    model = BPRegressor(**START, warm_start=True, dtype="float32")
    with pytest.raises(ValueError, match="y contains a value too large"):
        model.fit(X, X[:, 0] * 1e300)
    fresh = BPRegressor(**START, dtype="float32").fit(X, X[:, 0])
    np.testing.assert_array_equal(model.fit(X, X[:, 0]).predict(X), fresh.predict(X))


def test_other_columns_are_counted_as_scikit_learn_does():
    model = BPRegressor(**START, warm_start=True).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="X has 1 features, but BPRegressor is expecting 2 features as input"):
        model.fit(X[:, :1], X[:, 0])


def test_another_number_of_outputs_is_told_by_numbers():
    model = BPRegressor(max_iter=1, warm_start=True).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"^outputs of y: 2; the network was fitted with 1$"):
        model.partial_fit(X, X[:, :2])
    assert model.verdict_.reason == "ended after 1 epoch"
