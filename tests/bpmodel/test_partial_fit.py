"""Learning in several calls: `partial_fit`, `warm_start`, a paused or interrupted `fit`, and what they refuse."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from bpmodel import BPClassifier, BPRegressor
from bpmodel.network import interruption
from bpmodel.network.training import Training

TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]

every_task = pytest.mark.parametrize("task", TASKS)


GO_ON = {
    "dropout": {"dropout": 0.3},
    "input noise": {"input_noise": 0.3},
    "average": {"ema_decay": 0.9},
    "median clipping": {"clipping": "median", "clip_threshold": 1.0, "learning_rate_init": 0.01},
    "batch normalization": {"normalization": "batch"},
    "schedule": {"learning_rate": "cosine"},
    "warm-up": {"learning_rate": "step", "decay_epochs": 2, "warmup_epochs": 2.5},
    "rprop": {"solver": "rprop"},
}


def classes_of(problem):
    if problem.ours is BPRegressor:
        return {}
    return {"classes": np.unique(problem.y) if problem.y.ndim == 1 else np.arange(problem.y.shape[1])}


@every_task
def test_a_partial_fit_is_an_epoch_of_a_fit(problems, task):
    X, y, *_ = problem = problems[task]
    whole = problem.ours(max_iter=5, random_state=0)
    parts = clone(whole)
    with pytest.warns(ConvergenceWarning, match=r"\(5\) reached"):
        whole.fit(X, y)
    for epoch in range(1, 6):
        parts.partial_fit(X, y, **classes_of(problem))
        assert parts.n_iter_ == 1
        assert parts.t_ == epoch * len(X)
    np.testing.assert_array_equal(whole._parameters, parts._parameters)
    assert whole.loss_curve_ == parts.loss_curve_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [*GO_ON, "everything"])
def test_every_option_goes_on_from_call_to_call(problems, everything, name):
    X, y, *_ = problems["multiclass"]
    changes = GO_ON.get(name, everything)
    numbers = {"hidden_layer_sizes": (9, 7), "batch_size": 20, "max_iter": 6, "random_state": 0}
    whole, parts = BPClassifier(**numbers, **changes), BPClassifier(**numbers, **changes)
    whole.fit(X, y)
    for _ in range(6):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(whole._parameters, parts._parameters)
    np.testing.assert_array_equal(whole.predict_proba(X), parts.predict_proba(X))
    assert whole.loss_curve_ == parts.loss_curve_


def test_each_call_visits_the_rows_in_a_new_order(problems):
    """The first call is the first epoch of a `fit`; then the order starts afresh, as the rows may be others."""
    X, y, *_ = problems["regression"]
    model = BPRegressor(random_state=0, max_iter=1, batch_size=30)
    orders = []
    for _ in range(3):
        training = model.begin_fit(X, y, incremental=True)
        training.advance(1)
        model.end_fit(training)
        orders.append(training.rows.order)
        if len(orders) == 1:
            with pytest.warns(ConvergenceWarning):
                one = BPRegressor(random_state=0, max_iter=1, batch_size=30).fit(X, y)
            np.testing.assert_array_equal(one._parameters, model._parameters)
    assert len({tuple(order) for order in orders}) == 3
    np.testing.assert_array_equal(np.sort(orders), np.tile(np.arange(120), (3, 1)))


WARM = {
    "batch normalization": {"normalization": "batch"},
    "penalties": {"l1": 0.01, "weight_decay": 0.1, "max_norm": 1.0},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("changes", WARM.values(), ids=WARM)
def test_a_warm_start_goes_on_from_weights_and_moments(problems, changes):
    """Plain gradient descent remembers nothing else, so two fits are one."""
    X, y, *_ = problems["regression"]
    numbers = {"solver": "sgd", "momentum": 0, "shuffle": False, "random_state": 0, **changes}
    twice = BPRegressor(**numbers, warm_start=True, max_iter=4).fit(X, y).fit(X, y)
    once = BPRegressor(**numbers, max_iter=8).fit(X, y)
    np.testing.assert_array_equal(twice._parameters, once._parameters)
    np.testing.assert_array_equal(twice._running, once._running)


def test_a_warm_start_of_an_average_goes_on_from_what_trained(problems):
    X, y, *_ = problems["regression"]
    model = BPRegressor(ema_decay=0.99, warm_start=True, max_iter=5, random_state=0, solver="sgd", shuffle=False)
    with pytest.warns(ConvergenceWarning):
        trained = model.fit(X, y)._trained.copy()
    training = model.begin_fit(X, y)
    np.testing.assert_array_equal(training.network.parameters, trained)
    np.testing.assert_array_equal(training.memory.average, model._parameters)
    assert not np.array_equal(trained, model._parameters)


def test_a_class_may_come_later(problems):
    X, y, *_ = problems["multiclass"]
    model = BPClassifier(random_state=0, learning_rate_init=0.02)
    model.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    for _ in range(100):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.8


REFUSED = {
    "early stopping": (
        lambda m, X, y: m.set_params(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2]),
        "early_stopping",
    ),
    "no classes": (lambda m, X, y: m.partial_fit(X, y), "classes must be passed"),
    "other classes": (
        lambda m, X, y: m.partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y + 1),
        "not in `self.classes_`",
    ),
    "other features": (lambda m, X, y: m.partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X[:, 1:], y), "features"),
    "other classes, warm": (
        lambda m, X, y: m.partial_fit(X, y, classes=[0, 1, 2]).fit(X[y > 0], y[y > 0]),
        "same classes",
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(problems, call, message):
    X, y, *_ = problems["multiclass"]
    with pytest.raises(ValueError, match=message):
        call(BPClassifier(warm_start=True), X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("before", "after"), [("regression", "several outputs"), ("several outputs", "regression")])
def test_another_number_of_outputs_is_refused(problems, before, after, method):
    """A single target was once learned by every output, and of several targets all but the first were ignored."""
    X, y, *_ = problems[before]
    model = BPRegressor(max_iter=2, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="outputs"):
        getattr(model, method)(X, problems[after].y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_binary_labels_after_two_multilabel_columns_are_refused(problems, method):
    """Both have the classes 0 and 1, but one column instead of two: the loop once read past the end of the targets."""
    X, y, *_ = problems["multilabel"]
    model = BPClassifier(max_iter=2, warm_start=True).fit(X, y[:, :2])
    with pytest.raises(ValueError, match=r"outputs|multilabel"):
        getattr(model, method)(X, y[:, 0])


# --------------------------------------------------------------------------------------------------- interrupted


@pytest.fixture
def interrupt_after(monkeypatch):
    """Make the next fits see a Ctrl-C after some epochs."""
    advance = Training.advance

    def install(epochs):
        def interrupted(training, until):
            advance(training, min(until, epochs))
            raise KeyboardInterrupt

        monkeypatch.setattr(Training, "advance", interrupted)

    return install


@pytest.mark.parametrize("epochs", [0, 3])
@pytest.mark.parametrize("early_stopping", [False, True])
@every_task
def test_an_interrupted_fit_leaves_a_usable_estimator(problems, interrupt_after, task, early_stopping, epochs):
    X, y, *_ = problem = problems[task]
    model = problem.ours(random_state=0, early_stopping=early_stopping)
    interrupt_after(epochs)
    with pytest.warns(UserWarning, match="interrupted by user") as caught:
        model.fit(X, y)
    assert [w.filename for w in caught] == [__file__]
    assert model.n_iter_ == len(model.loss_curve_) == epochs
    assert not model.diverged_
    assert model.predict(X).shape == y.shape


def test_an_interrupted_fit_that_is_part_of_other_work_raises(problems, interrupt_after):
    """A search that was interrupted in its refit went on, and delivered a network of three epochs."""
    X, y, *_ = problems["regression"]
    interrupt_after(3)
    with interruption.raising(), pytest.raises(KeyboardInterrupt):
        BPRegressor(max_iter=50).fit(X, y)
    with pytest.warns(UserWarning, match="interrupted"):
        BPRegressor(max_iter=50).fit(X, y)


def test_an_interrupted_fit_does_not_claim_to_have_run_all_epochs(problems, interrupt_after):
    X, y, *_ = problems["regression"]
    interrupt_after(3)
    with pytest.warns(UserWarning, match="interrupted"):
        model = BPRegressor(max_iter=50).fit(X, y)
    assert "3 epochs" in model.verdict_.reason
    assert "ended" not in model.verdict_.reason


def test_an_interrupted_fit_goes_on_where_it_stood(problems, interrupt_after, monkeypatch):
    X, y, *_ = problems["regression"]
    model = BPRegressor(random_state=0, shuffle=False)
    interrupt_after(3)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    monkeypatch.undo()
    model.partial_fit(X, y)
    with pytest.warns(ConvergenceWarning):
        through = BPRegressor(random_state=0, shuffle=False, max_iter=4).fit(X, y)
    np.testing.assert_array_equal(model._parameters, through._parameters)


# ------------------------------------------------------------------------------------------------------- paused


def test_a_paused_fit_predicts_and_records_validation_loss(problems):
    X, y, *_ = problems["regression"]
    model = BPRegressor(random_state=0, max_iter=20, learning_rate_init=0.01)
    training = model.begin_fit(X[:80], y[:80], validation=(X[80:], y[80:]))
    assert training.epoch == 0
    for until in (5, 20):
        assert training.advance(until).status == "ok"
        assert training.epoch == until
        half_error = np.mean((model.predict(X[80:]) - y[80:]) ** 2) / 2
        np.testing.assert_allclose(training.history.validation_loss[until - 1], half_error, rtol=1e-5)
        np.testing.assert_allclose(training.history.validation_score[until - 1], model.score(X[80:], y[80:]), rtol=1e-4)
    assert training.out_of_epochs
    model.end_fit(training)
    assert {len(v) for v in model.history_.values()} == {20}
    assert model.validation_scores_ is None


def test_the_recorded_gradient_norm_is_the_gradients(problems):
    """One step with plain gradient descent moves the parameters by the rate times the norm."""
    X, y, *_ = problems["regression"]
    model = BPRegressor(solver="sgd", momentum=0, nesterovs_momentum=False, learning_rate_init=0.01, random_state=0)
    training = model.begin_fit(X, y)
    start = model._parameters.copy()
    training.advance(1)
    moved = np.linalg.norm(model._parameters - start)
    np.testing.assert_allclose(training.history.gradient_norm[0], moved / 0.01, rtol=1e-4)


@pytest.mark.parametrize("cls", [BPRegressor, BPClassifier])
def test_before_fit(cls):
    with pytest.raises(NotFittedError):
        cls().predict(np.zeros((2, 2)))
    for name in ("coefs_", "intercepts_"):
        with pytest.raises(AttributeError, match="before `fit`"):
            getattr(cls(), name)
