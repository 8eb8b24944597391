"""The sharpness is the largest eigenvalue of the Hessian, and what follows from it is where gradient descent turns unstable."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPRegressor, rate_limit, sharpness, step_size_number
from bpmodel.curvature import largest_eigenvalue

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ALPHA = 0.5


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    X = random.normal(size=(40, 3))
    return X, np.sin(X[:, 0]) + 0.5 * X[:, 1] ** 2


def tanh_network(**options):
    return BPRegressor(hidden_layer_sizes=(4,), activation="tanh", alpha=ALPHA, random_state=0, **options)


def loss_of(parameters, X, y):
    """A 3-4-1 tanh network's loss in plain NumPy: half the mean squared error, and alpha / 2n times the squared weights."""
    w1, w2, b1, b2 = np.split(parameters, [12, 16, 20])
    outputs = np.tanh(X @ w1.reshape(3, 4) + b1) @ w2 + b2
    return (np.sum((outputs - y) ** 2) / 2 + ALPHA / 2 * np.sum(parameters[:16] ** 2)) / len(y)


def hessian(function, point, step=1e-4):
    n = len(point)
    steps = step * np.eye(n)
    return np.array(
        [
            [
                sum(a * b * function(point + a * steps[i] + b * steps[j]) for a in (1, -1) for b in (1, -1))
                / (4 * step**2)
                for j in range(n)
            ]
            for i in range(n)
        ]
    )


def largest(network, X, y):
    parameters = np.concatenate([p.ravel() for p in (*network.coefs_, *network.intercepts_)]).astype(np.float64)
    return np.linalg.eigvalsh(hessian(lambda p: loss_of(p, X, y), parameters))[-1]


def test_of_a_fitted_network_is_that_of_the_whole_hessian(data):
    X, y = data
    network = tanh_network(max_iter=30).fit(X, y)
    np.testing.assert_allclose(sharpness(network, X, y), largest(network, X, y), rtol=0.02)


def test_of_an_unfitted_network_is_that_of_its_start(data):
    X, y = data
    start = tanh_network(max_iter=1, solver="sgd", learning_rate_init=1e-12).fit(X, y)
    np.testing.assert_allclose(sharpness(tanh_network(), X, y), largest(start, X, y), rtol=0.02)


def test_with_a_negative_eigenvalue_of_about_the_same_size(data):
    """A target far from zero: power iterations would end between the two."""
    X, y = data
    network = tanh_network(max_iter=1, solver="sgd", learning_rate_init=1e-12).fit(X, y + 300)
    parameters = np.concatenate([p.ravel() for p in (*network.coefs_, *network.intercepts_)])
    eigenvalues = np.linalg.eigvalsh(hessian(lambda p: loss_of(p, X, y + 300), parameters))
    assert eigenvalues[0] < -0.9 * eigenvalues[-1]
    np.testing.assert_allclose(sharpness(network, X, y + 300), eigenvalues[-1], rtol=0.02)


@pytest.mark.parametrize("size", [1, 4, 200])
def test_lanczos(size):
    random = np.random.default_rng(size)
    q, _ = np.linalg.qr(random.normal(size=(size, size)))
    eigenvalues = np.concatenate([[7.0], np.linspace(-6.0, 3.0, size - 1)])
    matrix = (q * eigenvalues) @ q.T
    np.testing.assert_allclose(largest_eigenvalue(lambda v: matrix @ v, size), 7.0, rtol=1e-3)


def test_lanczos_of_a_multiple_of_the_identity_ends_early():
    assert largest_eigenvalue(lambda v: 3 * v, 50) == pytest.approx(3)


def test_lanczos_of_a_product_that_is_not_finite():
    assert largest_eigenvalue(lambda v: v * np.nan, 5) == np.inf


def test_measuring_changes_nothing(data):
    X, y = data
    network = tanh_network(max_iter=5)
    sharpness(network, X, y)
    assert not network.__sklearn_is_fitted__()
    network.fit(X, y)
    before = network._parameters.copy()
    sharpness(network, X, y)
    np.testing.assert_array_equal(network._parameters, before)
    assert network.solver == "adam"


def test_sparse_rows_give_that_of_dense_ones(data):
    X, y = data
    assert sharpness(tanh_network(), scipy.sparse.csr_array(X), y) == pytest.approx(sharpness(tanh_network(), X, y))


def test_repeated_rows_change_nothing_but_the_penalty(data):
    """256 of 1,000 rows are looked at; the penalty is that of a step of all rows."""
    X, y = data
    many = BPRegressor(hidden_layer_sizes=(4,), activation="tanh", alpha=ALPHA * 25, random_state=0)
    X_many, y_many = np.tile(X, (25, 1)), np.tile(y, 25)
    assert sharpness(many, X_many, y_many) == pytest.approx(sharpness(tanh_network(), X, y), rel=0.1)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.0, True), (0.8, False), (0.8, True)])
def test_limit_is_where_gradient_descent_on_a_quadratic_turns_unstable(momentum, nesterov):
    """A network without a hidden layer has a quadratic loss."""
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 2))
    y = X @ [1.0, -2.0] + 0.1 * random.normal(size=60)

    def last_loss(factor):
        network = BPRegressor(
            hidden_layer_sizes=(),
            solver="sgd",
            momentum=momentum,
            nesterovs_momentum=nesterov,
            batch_size=60,
            alpha=0.0,
            max_iter=400,
            tol=0.0,
            n_iter_no_change=400,
            on_divergence="ignore",
            dtype="float64",
            random_state=0,
        )
        return network.set_params(learning_rate_init=factor * rate_limit(network, X, y)).fit(X, y).loss_

    assert last_loss(0.97) < 1
    assert last_loss(1.03) > 1e3


def test_number_is_the_rate_over_its_limit(data):
    X, y = data
    network = tanh_network(solver="sgd", momentum=0.5, nesterovs_momentum=False, learning_rate_init=0.3)
    expected = 0.3 * sharpness(network, X, y) / (2 * 1.5)
    assert step_size_number(network, X, y) == pytest.approx(expected)


def test_a_gradient_that_is_not_finite_leaves_no_rate(data):
    X, y = data
    network = tanh_network(solver="sgd", init_gain=1.0).set_params(activation="relu", init_gain=1e200, dtype="float64")
    assert sharpness(network, X, y) == np.inf
    assert step_size_number(network, X, y) == np.inf


def test_other_solvers_have_no_limit(data):
    with pytest.raises(ValueError, match="solver='adam'"):
        rate_limit(tanh_network(), *data)


def test_normalization_is_refused(data):
    with pytest.raises(ValueError, match="normalization='layer'"):
        sharpness(tanh_network(normalization="layer"), *data)


def test_other_estimators_are_refused(data):
    with pytest.raises(TypeError, match="got Pipeline"):
        sharpness(make_pipeline(StandardScaler(), tanh_network()), *data)


def test_of_a_classifier_with_everything_that_can_be_left_out(data):
    """Dropout and its like do not enter; class weights and early stopping do, and are no hindrance."""
    X, y = data
    network = BPClassifier(class_weight="balanced", early_stopping=True, dropout=0.3, ema_decay=0.9, random_state=0)
    classes = (y > 0.5).astype(int)
    before = sharpness(network, X, classes)
    assert 0 < before < np.inf
    assert sharpness(network.set_params(max_iter=20).fit(X, classes), X, classes) != before


class Quadratic:
    """An objective of one parameter with a known second derivative and loss, which notes where it is looked at."""

    def __init__(self, second_derivative, value):
        self.second_derivative, self.value, self.places = second_derivative, value, []

    def evaluate(self, parameters):
        self.places.append(abs(float(parameters[0])))
        return SimpleNamespace(value=self.value, gradient=self.second_derivative * parameters)


@pytest.mark.parametrize(
    ("second_derivative", "value", "distance"),
    [(19.9, 1.0, 0.1), (20.1, 1.0, 0.05), (79.9, -1.0, 0.05), (80.1, 1.0, 0.025), (1.0, 0.0, 0.1 / 2**14)],
)
def test_differences_change_the_loss_by_a_tenth_at_most(monkeypatch, second_derivative, value, distance):
    """From a distance of 0.1 on, and not below 1e-5: 0.1 / 2^13 is above."""
    objective = Quadratic(second_derivative, value)
    monkeypatch.setattr("bpmodel.curvature._objective", lambda *_: (objective, np.zeros(1)))
    assert sharpness(None, None, None) == pytest.approx(second_derivative)
    assert objective.places[-1] == pytest.approx(distance)


@pytest.mark.parametrize(("size", "products"), [(40, 15), (15, 15), (6, 6)])
def test_lanczos_takes_fifteen_products(size, products):
    asked = []
    matrix = np.diag(np.arange(1.0, size + 1))

    def product(v):
        asked.append(v)
        return matrix @ v

    largest_eigenvalue(product, size)
    assert len(asked) == products


@pytest.mark.parametrize(("coupling", "products"), [(0.5e-9, 1), (4e-9, 2)])
def test_lanczos_ends_where_what_is_left_is_rounding(coupling, products):
    asked = []
    start = np.random.default_rng(0).standard_normal(2)
    u = start / np.linalg.norm(start)
    v = np.array([-u[1], u[0]])
    matrix = np.outer(u, u) + 0.5 * np.outer(v, v) + coupling * (np.outer(u, v) + np.outer(v, u))
    largest_eigenvalue(lambda w: asked.append(w) or matrix @ w, 2)
    assert len(asked) == products
