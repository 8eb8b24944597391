"""What the estimators make of their options: every choice of every table trains, and each option does what it says."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import GammaRegressor, PoissonRegressor, QuantileRegressor
from sklearn.metrics import mean_gamma_deviance, mean_pinball_loss, mean_poisson_deviance
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from bpmodel import BPClassifier, BPRegressor, DivergenceWarning
from bpmodel.domains import Names
from bpmodel.functions.losses import CLASSIFICATION, REGRESSION
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]
CLASSIFICATION_TASKS = ["binary", "multiclass", "multilabel"]
CHOICES = [
    pytest.param(cls, option.name, value, id=f"{cls.__name__}-{option.name}-{value}")
    for cls, options in ((BPRegressor, REGRESSOR_OPTIONS), (BPClassifier, CLASSIFIER_OPTIONS))
    for option in options
    for domain in option.domain.domains
    if isinstance(domain, Names)
    for value in sorted(domain.names)
]

every_task = pytest.mark.parametrize("task", TASKS)


def make(problem, **changes):
    numbers = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "max_iter": 20, "random_state": 0}
    return problem.ours(**numbers | changes)


def positive(y):
    return np.exp(0.5 * y)


@pytest.mark.parametrize(("cls", "name", "value"), CHOICES)
def test_every_choice_learns_and_is_not_accused(problems, cls, name, value):
    """Every row of every table is an option here as soon as it is written."""
    X, y, *_ = problem = problems["regression" if cls is BPRegressor else "multiclass"]
    y = positive(y) if cls is BPRegressor else y
    model = make(problem, **{name: value}, max_iter=60).fit(X, y)
    assert model.verdict_.status == "ok", model.verdict_
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]
    assert model.score(X, y) > 0.4


def test_everything_at_once_learns(problems, everything):
    for task in TASKS:
        X, y, *_ = problem = problems[task]
        model = make(problem, hidden_layer_sizes=(16, 16), batch_size=20, **everything | {"max_iter": 60}).fit(X, y)
        assert model.score(X, y) > (0.5 if task == "multilabel" else 0.7)


@pytest.mark.parametrize("loss", [*REGRESSION, *CLASSIFICATION])
def test_divergence_is_noticed_with_every_loss(problems, loss):
    X, y, cls, _ = problems["regression" if loss in REGRESSION else "multiclass"]
    y = positive(y) if cls is BPRegressor else y
    model = cls(loss=loss, solver="sgd", learning_rate_init=1e4, random_state=0, batch_size=30)
    with pytest.warns(DivergenceWarning, match="diverged"):
        model.fit(X, y)
    assert np.isfinite(model._parameters).all()
    assert np.isfinite(model._predict_outputs(X)).all()


# --------------------------------------------------------------------------------------------- rows to validate on


@every_task
def test_given_validation_rows_are_scored_every_epoch(problems, task):
    X, y, *_ = problem = problems[task]
    model = make(problem).fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    np.testing.assert_allclose(model.history_["validation_score"][-1], model.score(X[80:], y[80:]), rtol=1e-4)
    assert len(model.history_["validation_loss"]) == model.n_iter_
    assert model.validation_scores_ is None


@pytest.mark.parametrize("scale_target", [False, True])
def test_validation_loss_is_in_the_networks_units(problems, scale_target):
    X, y, *_ = problem = problems["regression"]
    model = make(problem, scale_target=scale_target).fit(X[:80], 5 * y[:80], X_val=X[80:], y_val=5 * y[80:])
    spread = 5 * y[:80].std() if scale_target else 1
    half_error = np.mean((model.predict(X[80:]) - 5 * y[80:]) ** 2) / 2 / spread**2
    np.testing.assert_allclose(model.history_["validation_loss"][-1], half_error, rtol=1e-4)


@every_task
def test_early_stopping_on_given_rows_is_early_stopping_on_the_same_rows_set_aside(problems, task):
    X, y, *_ = problem = problems[task]
    own = make(problem, early_stopping=True, validation_fraction=0.3, shuffle=False, n_iter_no_change=3, max_iter=60)
    training = own.begin_fit(X, y)
    inside, outside = training.rows.order.copy(), training.validation.order.copy()
    training.advance(60)
    own.end_fit(training)
    given = make(problem, early_stopping=True, shuffle=False, n_iter_no_change=3, max_iter=60)
    given.fit(X[inside], y[inside], X_val=X[outside], y_val=y[outside])
    np.testing.assert_array_equal(given._parameters, own._parameters)
    assert given.validation_scores_ == own.validation_scores_
    assert given.n_iter_ == own.n_iter_


MISTAKES = {
    "no labels": ("binary", lambda X, y: {"X_val": X}, "pass both or neither"),
    "no features": ("binary", lambda X, y: {"y_val": y}, "pass both or neither"),
    "unknown class": ("multiclass", lambda X, y: {"X_val": X, "y_val": y + 1}, r"y_val has the classes \[3\]"),
    "lengths": ("regression", lambda X, y: {"X_val": X, "y_val": y[1:]}, "inconsistent numbers of samples"),
    "features": ("regression", lambda X, y: {"X_val": X[:, 1:], "y_val": y}, "features"),
    "not finite": ("regression", lambda X, y: {"X_val": X, "y_val": y * np.nan}, "y_val"),
    "too many outputs": ("regression", lambda X, y: {"X_val": X, "y_val": np.c_[y, y]}, "y_val has 2 outputs"),
    "too few outputs": ("several outputs", lambda X, y: {"X_val": X, "y_val": y[:, 0]}, "y_val has 1 outputs"),
    "labels for classes": ("binary", lambda X, y: {"X_val": X, "y_val": np.c_[y, y]}, "multilabel|Multilabel|y_val"),
}


@pytest.mark.parametrize(("task", "given", "message"), MISTAKES.values(), ids=MISTAKES)
def test_validation_rows_that_do_not_fit_are_refused(problems, task, given, message):
    """Targets of another width were once taken: the loop read other numbers in their place, or past their end."""
    X, y, *_ = problem = problems[task]
    with pytest.raises(ValueError, match=message):
        make(problem).fit(X, y, **given(X, y))


# ------------------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("weights", [{0: 1.0, 1: 3.0}, "balanced"])
def test_class_weight_is_a_sample_weight(problems, weights):
    X, y, *_ = problem = problems["binary"]
    rows = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for given in (None, rows):
        by_class = make(problem, class_weight=weights).fit(X, y, given)
        of_class = compute_class_weight(weights, classes=np.unique(y), y=y, sample_weight=given)
        by_row = of_class[y] * (1 if given is None else given)
        np.testing.assert_array_equal(by_class._parameters, make(problem).fit(X, y, by_row)._parameters)


def test_class_weight_in_parts_needs_a_dict(problems):
    X, y, *_ = problem = problems["multiclass"]
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    a = make(problem, class_weight=weights).partial_fit(X, y, classes=[0, 1, 2])
    b = make(problem).partial_fit(X, y, compute_sample_weight(weights, y), classes=[0, 1, 2])
    np.testing.assert_array_equal(a._parameters, b._parameters)
    with pytest.raises(ValueError, match="needs all rows at once"):
        make(problem, class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


def test_class_weight_of_named_classes(problems):
    X, y, *_ = problem = problems["binary"]
    names = np.array(["no", "yes"])[y]
    a, b = make(problem, class_weight={"no": 1, "yes": 3}), make(problem, class_weight={0: 1, 1: 3})
    np.testing.assert_array_equal(a.fit(X, names)._parameters, b.fit(X, y)._parameters)


@pytest.mark.parametrize("task", CLASSIFICATION_TASKS)
def test_label_smoothing_spreads_a_share_over_all_classes(problems, task):
    """The loss before the first step, against the cross entropy of smoothed targets."""
    X, y, *_ = problem = problems[task]
    model = make(problem, label_smoothing=0.2, learning_rate_init=1e-12, alpha=0, max_iter=1, dtype="float64").fit(X, y)
    z = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0) @ model.coefs_[1] + model.intercepts_[1]
    if task == "multiclass":
        targets, p = 0.8 * np.eye(3)[y] + 0.2 / 3, softmax(z, axis=1)
        loss = -(targets * np.log(p)).sum(axis=1).mean()
    else:
        targets, p = 0.8 * y.reshape(len(y), -1) + 0.1, expit(z)
        loss = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum(axis=1).mean()
    np.testing.assert_allclose(model.loss_, loss, rtol=1e-9)


@pytest.mark.parametrize("task", CLASSIFICATION_TASKS)
def test_label_smoothing_leaves_the_score_what_it_is(problems, task):
    X, y, *_ = problem = problems[task]
    model = make(problem, label_smoothing=0.49).fit(X, y, X_val=X, y_val=y)
    np.testing.assert_allclose(model.history_["validation_score"][-1], model.score(X, y), rtol=1e-6)


def test_focal_loss_with_gamma_zero_is_the_log_loss(problems):
    for task in CLASSIFICATION_TASKS:
        X, y, *_ = problem = problems[task]
        focal, plain = make(problem, loss="focal", focal_gamma=0.0), make(problem)
        np.testing.assert_allclose(focal.fit(X, y).predict_proba(X), plain.fit(X, y).predict_proba(X), atol=1e-3)


# ----------------------------------------------------------------------------------------------- loss functions

LINEAR = {
    "hidden_layer_sizes": (),
    "alpha": 0,
    "max_iter": 1500,
    "n_iter_no_change": np.inf,
    "learning_rate": "cosine",
    "learning_rate_init": 0.03,
    "dtype": "float64",
}
GENERALIZED = {
    "poisson": (PoissonRegressor, mean_poisson_deviance),
    "gamma": (GammaRegressor, mean_gamma_deviance),
}


@pytest.mark.parametrize(("loss", "reference", "deviance"), [(k, *v) for k, v in GENERALIZED.items()], ids=GENERALIZED)
def test_without_hidden_layers_it_is_the_generalized_linear_model(problems, loss, reference, deviance):
    X, y, *_ = problem = problems["regression"]
    model = make(problem, loss=loss, **LINEAR).fit(X, positive(y))
    theirs = reference(alpha=0, tol=1e-10, max_iter=10_000).fit(X, positive(y))
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), rtol=1e-3)
    np.testing.assert_allclose(2 * model.loss_, deviance(positive(y), model.predict(X)), rtol=1e-6)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.8])
def test_without_hidden_layers_it_is_quantile_regression(problems, quantile):
    X, y, *_ = problem = problems["regression"]
    model = make(problem, loss="quantile", quantile=quantile, **LINEAR).fit(X, y)
    best = QuantileRegressor(alpha=0, quantile=quantile).fit(X, y)
    ours, theirs = (mean_pinball_loss(y, m.predict(X), alpha=quantile) for m in (model, best))
    assert theirs <= ours * (1 + 1e-9) < 1.01 * theirs
    assert abs(np.mean(y <= model.predict(X)) - quantile) < 0.08


def test_absolute_error_is_the_median_and_twice_the_pinball_loss(problems):
    X, y, *_ = problem = problems["regression"]
    model = make(problem, loss="absolute_error", **LINEAR).fit(X, y)
    best = QuantileRegressor(alpha=0).fit(X, y)
    assert np.mean(np.abs(y - model.predict(X))) < 1.01 * np.mean(np.abs(y - best.predict(X)))


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "log_cosh"])
def test_robust_losses_shrug_at_outliers(problems, loss):
    X, y, *_ = problem = problems["regression"]
    wild = np.where(np.arange(len(y)) % 20 == 0, 100, y)
    robust, squared = (make(problem, loss=name, **LINEAR).fit(X, wild) for name in (loss, "squared_error"))
    assert np.median(np.abs(robust.predict(X) - y)) < 0.1 * np.median(np.abs(squared.predict(X) - y))


def test_huber_delta_large_is_the_squared_error(problems):
    X, y, *_ = problem = problems["regression"]
    a, b = make(problem, loss="huber", huber_delta=1e6), make(problem)
    np.testing.assert_allclose(a.fit(X, y).predict(X), b.fit(X, y).predict(X), rtol=1e-4, atol=1e-5)


OUTSIDE = [("poisson", -0.5, ">= 0; y has -0.5"), ("gamma", 0.0, "> 0; y has 0"), ("gamma", -1.0, "> 0; y has -1")]


@pytest.mark.parametrize(("loss", "least", "message"), OUTSIDE)
def test_a_target_outside_the_losss_domain_is_refused(problems, loss, least, message):
    X, y, *_ = problem = problems["regression"]
    y = positive(y)
    bad = np.where(np.arange(len(y)) == 3, least, y)
    with pytest.raises(ValueError, match=message):
        make(problem, loss=loss).fit(X, bad)
    with pytest.raises(ValueError, match=message):
        make(problem, loss=loss).fit(X, y, X_val=X, y_val=bad)
    with pytest.raises(ValueError, match=message):
        make(problem, loss=loss).partial_fit(X, y).partial_fit(X, bad)


@pytest.mark.parametrize("after", ["squared_error", "gamma"])
def test_parameters_set_after_a_fit_do_not_change_its_predictions(problems, after):
    """The output function once followed the parameter `loss` as it stood at the time of the prediction."""
    X, y, *_ = problem = problems["regression"]
    model = make(problem, loss="poisson").fit(X, positive(y))
    before = model.predict(X)
    model.set_params(loss=after, activation="tanh", normalization="layer", scale_target=True, dtype="float64")
    np.testing.assert_array_equal(model.predict(X), before)
    assert model.out_activation_ == "exp"


def test_poisson_takes_zeros(problems):
    X, y, *_ = problem = problems["regression"]
    counts = np.random.default_rng(0).poisson(positive(y))
    assert (counts == 0).any()
    model = make(problem, loss="poisson").fit(X, counts)
    assert model.score(X, counts) > 0.3


@pytest.mark.parametrize("task", ["regression", "several outputs"])
@pytest.mark.parametrize("loss", GENERALIZED)
def test_scaled_positive_targets_stay_positive_and_follow_their_scale(problems, loss, task):
    X, y, *_ = problem = problems[task]
    y = positive(y)
    unit, large = (make(problem, loss=loss, scale_target=True).fit(X, factor * y) for factor in (1, 1e4))
    assert large.predict(X).min() > 0
    np.testing.assert_allclose(large.predict(X) / 1e4, unit.predict(X), rtol=1e-3)
    by_hand = make(problem, loss=loss).fit(X, y / y.mean(axis=0))
    np.testing.assert_allclose(unit.predict(X), y.mean(axis=0) * by_hand.predict(X), rtol=1e-3)


# ----------------------------------------------------------------------------------------------------- the network


def test_a_list_of_one_activation_is_that_activation(problems):
    X, y, *_ = problem = problems["regression"]
    fits = [
        make(problem, hidden_layer_sizes=(6, 5), activation=a).fit(X, y)._parameters for a in ("elu", ["elu", "elu"])
    ]
    np.testing.assert_array_equal(*fits)


def test_each_layer_has_its_own_activation(problems):
    X, y, *_ = problem = problems["regression"]
    model = make(problem, hidden_layer_sizes=(6, 5), activation=["tanh", "relu"], dtype="float64").fit(X, y)
    (w0, w1, w2), (b0, b1, b2) = model.coefs_, model.intercepts_
    expected = np.maximum(np.tanh(X @ w0 + b0) @ w1 + b1, 0) @ w2 + b2
    np.testing.assert_allclose(model.predict(X), expected.ravel(), rtol=1e-12, atol=1e-12)


ACTIVATION_MISTAKES = {
    "too few": (["relu"], "names 1 functions for 2 hidden layers"),
    "too many": (["relu"] * 3, "names 3 functions for 2 hidden layers"),
    "unknown": (["relu", "sine"], "'sine' is unknown; allowed are identity, logistic"),
    "unknown for all": ("sine", "activation"),
}


@pytest.mark.parametrize(("activation", "message"), ACTIVATION_MISTAKES.values(), ids=ACTIVATION_MISTAKES)
def test_activations_that_cannot_be(problems, activation, message):
    X, y, *_ = problem = problems["regression"]
    with pytest.raises(ValueError, match=message):
        make(problem, hidden_layer_sizes=(6, 5), activation=activation).fit(X, y)


@every_task
def test_double_precision_predicts_what_single_does(problems, task):
    X, y, *_ = problem = problems[task]
    single, double = (make(problem, activation="tanh", dtype=dtype).fit(X, y) for dtype in ("float32", "float64"))
    assert single._parameters.dtype == np.float32
    assert double._parameters.dtype == np.float64
    np.testing.assert_allclose(single._predict_outputs(X), double._predict_outputs(X), atol=2e-3)


def test_rprop_sees_all_rows_at_every_step_unless_told_otherwise(problems):
    X, y, *_ = problem = problems["regression"]
    X, y = np.tile(X, (3, 1)), np.tile(y, 3)
    sizes = [
        make(problem, **c).begin_fit(X, y).settings.batch_size for c in ({}, {"solver": "rprop"}, {"batch_size": 7})
    ]
    assert sizes == [200, 360, 7]
    assert make(problem, solver="rprop", batch_size=7).begin_fit(X, y).settings.batch_size == 7


OUT_OF_DOMAIN = {
    "dropout": 1.0,
    "input_noise": -0.1,
    "l1": -1.0,
    "weight_decay": -1.0,
    "max_norm": 0.0,
    "ema_decay": 1.0,
    "clip_threshold": 0.0,
    "rho": 1.0,
    "decay_rate": 0.0,
    "decay_epochs": 0.0,
    "warmup_epochs": -1.0,
    "init_gain": -1.0,
    "dtype": "float16",
    "huber_delta": 0.0,
    "quantile": 1.0,
    "focal_gamma": -1.0,
    "label_smoothing": 0.5,
}


@pytest.mark.parametrize(("name", "value"), OUT_OF_DOMAIN.items())
def test_a_value_out_of_its_domain_is_refused(problems, name, value):
    X, y, *_ = problem = problems["regression"]
    if name not in problem.ours().get_params():
        X, y, *_ = problem = problems["binary"]
    with pytest.raises(ValueError, match=name):
        make(problem, **{name: value}).fit(X, y)


@pytest.mark.parametrize(("rows", "precision"), [(64, np.float64), (65, np.float32)])
def test_few_rows_are_fitted_in_double_precision(problems, rows, precision):
    X, y, *_ = problems["multiclass"]
    model = make(problems["multiclass"]).fit(X[:rows], y[:rows])
    assert {w.dtype for w in model.coefs_} == {np.dtype(precision)}
    assert model.predict_proba(X).dtype == precision
    parts = make(problems["multiclass"]).partial_fit(X[:rows], y[:rows], classes=np.unique(y))
    assert parts.coefs_[0].dtype == np.float32, "more rows will come"
