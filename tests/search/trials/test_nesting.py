"""Networks inside other estimators: trained fold by fold side by side, with the result of fitting the whole thing by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, QuantileTransformer, StandardScaler

from bpmodel import BPClassifier, BPRegressor
from search.cv import folds
from search.seeds import derive
from search.trials import nesting
from search.trials.evaluation import evaluate
from search.trials.fold_fits import begin
from search.trials.prepared.folds import prepare
from search.trials.problem import Problem, Trial
from search.trials.refitting import refit

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORK = {"hidden_layer_sizes": (6,), "learning_rate_init": 0.02, "batch_size": 16, "max_iter": 9}


def weighted(estimator):
    """Let an estimator request weights."""
    with sklearn.config_context(enable_metadata_routing=True):
        return estimator.set_fit_request(sample_weight=True)


def network() -> BPRegressor:
    return weighted(BPRegressor(**NETWORK))


def scaler() -> StandardScaler:
    return weighted(StandardScaler())


def in_log(regressor) -> TransformedTargetRegressor:
    return TransformedTargetRegressor(regressor, func=np.log1p, inverse_func=np.expm1)


NESTINGS = {
    "alone": lambda: network(),
    "pipeline": lambda: make_pipeline(scaler(), network()),
    "pipeline of one": lambda: Pipeline([("net", network())]),
    "passthrough": lambda: make_pipeline("passthrough", network()),
    "pipeline in a pipeline": lambda: make_pipeline(scaler(), make_pipeline(MinMaxScaler(), network())),
    "scaled target": lambda: TransformedTargetRegressor(network(), transformer=StandardScaler()),
    "log target": lambda: in_log(network()),
    "ranked target": lambda: TransformedTargetRegressor(
        network(), transformer=QuantileTransformer(n_quantiles=20, output_distribution="normal"), check_inverse=False
    ),
    "pipeline with a target": lambda: make_pipeline(scaler(), in_log(network())),
    "target around a pipeline": lambda: in_log(make_pipeline(scaler(), network())),
    "target in a target": lambda: in_log(TransformedTargetRegressor(network(), transformer=StandardScaler())),
    "columns with names": lambda: make_pipeline(scaler().set_output(transform="pandas"), in_log(network())),
}


@pytest.fixture(params=NESTINGS)
def estimator(request):
    return NESTINGS[request.param]()


@pytest.fixture
def data():
    random = np.random.default_rng(3)
    X = random.normal(size=(60, 3))
    return X, np.exp(X[:, 0] + 0.1 * random.normal(size=60)) * 30, random.uniform(0.2, 3.0, size=60)


def problem(estimator, X, y, n_splits: int = 3, **more) -> Problem:
    splits = folds.from_splitter(KFold(n_splits), X, y)
    scorer = more.pop("scorer", get_scorer("neg_root_mean_squared_error"))
    return Problem(estimator, X, y, splits, scorer, 1, **more)


def fitted_by_hand(problem: Problem, params: dict, rows: np.ndarray, epochs: int, number: int, **fit_params):
    """Fit the whole estimator on some rows, as a user would; `number` is that of the fold."""
    own = {"max_iter": epochs, "random_state": derive(problem.seed, 5, number)}
    prefix = nesting.prefix(problem.estimator)
    whole = clone(problem.estimator).set_params(**params, **{prefix + name: value for name, value in own.items()})
    return whole.fit(problem.X[rows], problem.y[rows], **{name: value[rows] for name, value in fit_params.items()})


def check(problem: Problem, **fit_params) -> None:
    params = {nesting.prefix(problem.estimator) + "alpha": 0.5}
    outcome = evaluate(problem, Trial(5, params))
    assert outcome.verdict == "ok", outcome.reason
    scores = []
    for fold, (train, validation) in enumerate(problem.folds.splits):
        whole = fitted_by_hand(problem, params, train, outcome.epoch, fold, **fit_params)
        scores.append(problem.scorer(whole, problem.X[validation], problem.y[validation]))
    assert outcome.fold_scores == pytest.approx(scores, rel=1e-4)
    model = refit(problem, outcome)
    whole = fitted_by_hand(problem, params, np.arange(len(problem.y)), outcome.epoch, 3, **fit_params)
    np.testing.assert_allclose(model.predict(problem.X), whole.predict(problem.X), rtol=1e-4)
    assert repr(model.set_params(**{nesting.prefix(model) + "max_iter": outcome.epoch})) == repr(whole)


def test_outcome_is_that_of_fits_by_hand(estimator, data):
    check(problem(estimator, *data[:2]))


def test_a_scorer_that_looks_at_rows_is_shown_the_whole_estimator_and_the_users_rows(estimator, data):
    X, y, _ = data
    plain, shown = problem(estimator, X, y), []

    def scorer(whole, X, y):
        shown.append((type(whole), X.shape))
        return plain.scorer(whole, X, y)

    trial = Trial(0, {})
    assert evaluate(dataclasses.replace(plain, scorer=scorer), trial).curve == evaluate(plain, trial).curve
    assert set(shown) == {(type(estimator), (20, 3))}


def test_weights_reach_what_requests_them(estimator, data):
    X, y, weight = data
    with sklearn.config_context(enable_metadata_routing=True):
        check(problem(estimator, X, y, fit_params={"sample_weight": weight}), sample_weight=weight)


def test_validation_losses_are_not_weighted_bug(data):
    """They were for a network without preprocessing."""
    X, y, weight = data
    outcomes = [evaluate(problem(BPRegressor(**NETWORK), X, y, fit_params={"sample_weight": weight}), Trial(0, {}))]
    with sklearn.config_context(enable_metadata_routing=True):
        piped = problem(NESTINGS["passthrough"](), X, y, fit_params={"sample_weight": weight})
        outcomes.append(evaluate(piped, Trial(0, {})))
    assert outcomes[0].losses["validation"] == pytest.approx(outcomes[1].losses["validation"], rel=1e-4)


def test_training_rows_are_scored_on_request(estimator, data):
    given = problem(estimator, *data[:2], train_scores=True)
    outcome = evaluate(given, Trial(5, {}))
    train = given.folds.splits[1][0]
    whole = fitted_by_hand(given, {}, train, outcome.epoch, 1)
    expected = given.scorer(whole, given.X[train], given.y[train])
    assert outcome.train_metrics["score"][1] == pytest.approx(expected, rel=1e-4)


def test_several_metrics(data):
    several = sklearn.metrics.check_scoring(network(), ["r2", "neg_mean_absolute_error"])
    estimator = NESTINGS["target around a pipeline"]()
    given = problem(estimator, *data[:2], scorer=several, objective="neg_mean_absolute_error")
    outcome = evaluate(given, Trial(0, {}))
    for name, scores in outcome.metrics.items():
        alone = evaluate(
            problem(estimator, *data[:2], scorer=get_scorer(name)),
            Trial(0, {"regressor__bpregressor__max_iter": outcome.epoch}),
        )
        assert alone.curve[outcome.epoch] == pytest.approx(np.mean(scores))
    assert outcome.fold_scores == outcome.metrics["neg_mean_absolute_error"]


def test_targets_are_transformed_by_training_rows_only(data):
    X, y, _ = data
    seen = []
    witness = FunctionTransformer(func=lambda y: seen.append(len(y)) or y, inverse_func=lambda y: y)
    given = problem(TransformedTargetRegressor(network(), transformer=witness, check_inverse=False), X, y)
    evaluate(given, Trial(0, {}))
    assert set(seen) == {40, 20}
    given = problem(TransformedTargetRegressor(network(), transformer=StandardScaler()), X, y)
    fold = prepare(given)[0]
    assert fold.target[fold.train].mean() == pytest.approx(0, abs=1e-9)
    assert abs(fold.target[fold.validation].mean()) > 1e-3


def test_parameters_of_what_is_around_a_network(data):
    estimator = TransformedTargetRegressor(make_pipeline(StandardScaler(), network()))
    given = problem(estimator, *data[:2])
    params = {"transformer": StandardScaler(), "regressor__standardscaler__with_mean": False}
    model = refit(given, evaluate(given, Trial(0, params)))
    assert model.transformer_.mean_ == pytest.approx(data[1].mean())
    assert not model.regressor_[0].with_mean
    assert not model.regressor[0].with_mean


class Power:
    """Has no text of its own: `repr` gives its address."""

    def __init__(self, exponent: int) -> None:
        self.exponent = exponent

    def __call__(self, X: np.ndarray) -> np.ndarray:
        return X**self.exponent


def test_rows_are_prepared_for_the_parameters_of_the_trial_bug(data):
    """They were kept under the addresses of copies that did not last: another trial's copy could have the same."""
    given, powers = problem(make_pipeline(FunctionTransformer(), network()), *data[:2]), [Power(n) for n in (1, 2, 3)]
    first = [begin(given, Trial(0, {"functiontransformer__func": power}))[0] for power in powers]
    for power, folds_of in zip(powers, first, strict=True):
        assert begin(given, Trial(1, {"functiontransformer__func": power}))[0] is folds_of
        for fold, (train, _) in zip(folds_of, given.folds.splits, strict=True):
            np.testing.assert_allclose(fold.X_train, power(given.X[train]), rtol=1e-5)


@pytest.mark.parametrize(("n", "expected"), [(70, "float64"), (90, "float32"), (200, "float32")])
@pytest.mark.parametrize("name", ["alone", "pipeline"])
def test_rows_have_the_precision_of_the_networks_bug(name, n, expected):
    """Few validation rows made all of a fold double, which every trial converted; few training rows of many lost digits."""
    X = np.random.default_rng(0).normal(size=(n, 3))
    given = problem(NESTINGS[name](), X, X[:, 0], n_splits=5)
    for fold in prepare(given):
        assert fold.X.dtype == expected
    (fitted,) = {network._parameters.dtype for network, _ in begin(given, Trial(0, {}))[1]}
    assert fitted == expected


def test_all_parameters_but_those_that_hold_the_network_can_be_searched_bug():
    """Whatever ended in "steps" could not."""

    class Walk(StandardScaler):
        def __init__(self, n_steps: int = 1) -> None:
            self.n_steps = n_steps

    known = nesting.tunable(make_pipeline(Walk(), make_pipeline(network())))
    assert "walk__n_steps" in known
    assert not known & {"steps", "pipeline__steps", "pipeline", "pipeline__bpregressor"}


def test_two_outputs_inside_a_target(data):
    X, y, _ = data
    given = problem(TransformedTargetRegressor(network(), transformer=StandardScaler()), X, np.column_stack([y, -y]))
    outcome = evaluate(given, Trial(0, {}))
    assert outcome.verdict == "ok"
    assert refit(given, outcome).predict(X).shape == (60, 2)


def test_texts_and_sparse_rows():
    words = ["red apple", "green apple", "red car", "green car"] * 12
    y = np.array(["fruit", "fruit", "thing", "thing"] * 12)
    model = BPClassifier(hidden_layer_sizes=(4,), batch_size=8, learning_rate_init=0.1, max_iter=20)
    given = problem(make_pipeline(TfidfVectorizer(), model), words, y, scorer=get_scorer("accuracy"))
    outcome = evaluate(given, Trial(0, {}))
    assert (outcome.verdict, outcome.score) == ("ok", 1.0)
    assert refit(given, outcome).predict(["blue apple", "blue car"]).tolist() == ["fruit", "thing"]
    rows = csr_matrix(TfidfVectorizer().fit_transform(words))
    assert evaluate(problem(model, rows, y, scorer=get_scorer("accuracy")), Trial(0, {})).score == 1.0


def test_tables_with_text_columns_alone_in_a_network_are_an_error(data):
    table = pd.DataFrame({"a": ["x", "y"] * 30, "b": data[0][:, 0]})
    outcome = evaluate(problem(network(), table, data[1]), Trial(0, {}))
    assert outcome.verdict == "error"
    assert "could not convert string" in outcome.reason


@pytest.mark.parametrize("estimator", [StandardScaler(), make_pipeline(StandardScaler()), TransformedTargetRegressor()])
def test_where_there_is_no_network(estimator):
    assert nesting.network_of(estimator) is None
