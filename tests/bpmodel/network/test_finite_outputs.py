""" "ok" means finite predictions for the training rows, whatever watches the fit."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor, DivergenceError
from bpmodel.network import outputs
from bpmodel.network.minibatch import Rows
from bpmodel.network.parameters import build, read_only, split_sparse, unpack

pytestmark = pytest.mark.filterwarnings("ignore")

X = np.random.default_rng(0).normal(size=(70, 3))
Y = X[:, 0] * 3
IGNORE = {"on_divergence": "ignore", "max_iter": 20, "random_state": 0, "hidden_layer_sizes": (8,)}
WILD = {
    "sgd": {"solver": "sgd", "learning_rate_init": 1e6},
    "adam": {"solver": "adam", "learning_rate_init": 1e38},
    "lbfgs": {"solver": "lbfgs"},
    "scg": {"solver": "scg"},
    "lm": {"solver": "lm"},
    "lm_bayesian": {"solver": "lm_bayesian"},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WILD)
def test_no_network_of_nans_is_ok(name, dtype):
    """A verdict "ok" with loss NaN and nothing but NaN for predictions, where scikit-learn raises."""
    size = 1 if name in ("sgd", "adam") else 1e37 if dtype == "float32" else 1e300
    rate = WILD[name].get("learning_rate_init", 1e-3) * (1e260 if (name, dtype) == ("adam", "float64") else 1)
    model = BPRegressor(**IGNORE | WILD[name] | {"dtype": dtype, "learning_rate_init": rate}).fit(X * size, Y)
    finite = np.isfinite(model.predict(X * size)).all()
    assert model.diverged_ != finite
    assert (model.verdict_.status == "ok") == finite
    assert not finite or name not in ("sgd", "adam")


@pytest.mark.parametrize("on_divergence", ["stop", "ignore", "raise"])
def test_the_last_step_may_be_the_one_that_ruins_the_network(on_divergence):
    """The loss of an epoch is that before its steps, and weights of 1e20 are finite."""
    model = BPRegressor(
        hidden_layer_sizes=(8, 8), solver="sgd", learning_rate_init=1e18, max_iter=1, batch_size=70, dtype="float32",
        random_state=0, on_divergence=on_divergence,
    )  # fmt: skip
    if on_divergence == "raise":
        with pytest.raises(
            DivergenceError, match="the outputs for the training rows became non-finite at epoch 1, step 1"
        ):
            model.fit(X, Y)
    model.fit(X, Y) if on_divergence != "raise" else None
    assert model.verdict_.status == "diverged"
    assert model.verdict_.reason.startswith("the outputs for the training rows became non-finite at epoch 1, step 1")
    assert np.isfinite(model.predict(X)).all() == (on_divergence != "ignore"), "the weights of the best epoch are kept"


def test_a_step_of_partial_fit_too():
    model = BPRegressor(**IGNORE | {"solver": "sgd", "learning_rate_init": 1e30, "dtype": "float32"})
    model.partial_fit(X, Y).partial_fit(X, Y)
    assert model.diverged_
    assert not np.isfinite(model.predict(X)).all()


def test_early_stopping_keeps_a_network_that_is_finite():
    model = BPRegressor(**IGNORE | {"early_stopping": True, "solver": "sgd", "learning_rate_init": 1e6}).fit(X, Y)
    assert model.verdict_.status == "ok"
    assert np.isfinite(model.predict(X)).all()


def test_members_of_nans_are_left_out():
    with pytest.raises(DivergenceError, match="all 2 members diverged"):
        BPEnsembleRegressor(BPRegressor(**IGNORE | WILD["sgd"]), n_members=2).fit(X, Y)


# ------------------------------------------------------------------------------------------------------- how it is known


def network(units=(3, 4, 1), size=1.0, loss="squared_error", activation="relu", normalization="none", dtype="float32"):
    made = build(units, [activation] * (len(units) - 2), loss, np.dtype(dtype), normalization=normalization)
    for weights in unpack(made.parameters, units)[0]:
        weights[:] = size
    return made


def rows(X, dtype="float32"):
    dense, sparse = split_sparse(X, np.dtype(dtype))
    none = np.zeros(0, dtype=np.int32)
    y = read_only(np.zeros((X.shape[0], 1)), np.dtype(dtype))
    return Rows(dense, sparse, y, read_only(none, np.dtype(dtype)), none, none).picked(np.arange(X.shape[0]))


@pytest.fixture(name="computed")
def count(monkeypatch):
    """The numbers of rows for which outputs were computed."""
    seen, predict = [], outputs.predict
    monkeypatch.setattr(outputs, "predict", lambda network, X: seen.append(X.shape[0]) or predict(network, X))
    return seen


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize(
    ("made", "finite", "known"),
    [
        (network(), True, True),
        (network(size=np.nan), False, True),
        (network(size=1e10), True, True),
        (network(size=1e18), True, False),
        (network(size=1e19), False, False),
        (network(size=1e19, dtype="float64"), True, True),
        (network(loss="poisson", size=0.5), True, True),
        (network(loss="poisson", size=2.0), True, False),
        (network(loss="poisson", size=20.0, dtype="float64"), False, False),
        (network(normalization="layer"), True, True),
        (network(normalization="batch", size=2e15), True, False),
        (network(units=(3, *[50] * 20, 1), size=0.02), True, True),
        (network(units=(3, *[50] * 30, 1), size=1.0), False, False),
    ],
)
def test_a_bound_or_the_outputs_themselves(made, finite, known, container, computed):
    dtype = made.parameters.dtype.name
    given = rows(container(np.full((9, 3), 2.0)), dtype)
    assert outputs.are_finite(made, given) == finite
    assert bool(computed) != known


def test_only_the_training_rows_count():
    given = rows(np.array([[1.0, 1.0, 1.0], [1e38, 1e38, 1e38]]))
    assert not outputs.are_finite(network(size=10.0), given)
    assert outputs.are_finite(network(size=10.0), given.picked(np.array([0])))


def test_all_training_rows_count(computed):
    many = np.ones((outputs.BLOCK_ROWS + 1, 3))
    many[-1] = 1e38
    assert not outputs.are_finite(network(size=10.0), rows(many))
    assert computed == [outputs.BLOCK_ROWS, 1]


def test_running_means_that_are_not_finite():
    made = network(normalization="batch")
    made.running[0, 0] = np.inf
    assert not outputs.are_finite(made, rows(X))


def test_a_classifier_of_huge_outputs_is_ok():
    """Probabilities are finite where the numbers before them are."""
    model = BPClassifier(**IGNORE | {"solver": "sgd", "learning_rate_init": 1e3}).fit(X, Y > 0)
    assert model.diverged_ != np.isfinite(model.predict_proba(X)).all()
