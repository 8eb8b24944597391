"""A checkpoint without a score is worse than any; it does not end the trial."""

import dataclasses
import math
import warnings

import numpy as np
import optuna
import pytest
from scipy.stats import pearsonr
from sklearn.linear_model import LinearRegression
from sklearn.metrics import get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV

from bpmodel import BPEnsembleRegressor, BPRegressor
from search import BPSearchCV
from search.samplers.external import OptunaSampler
from search.space import spaces
from search.trials.evaluation import evaluate
from search.trials.outcomes import pool
from search.trials.penalties import Feedback, Penalizer
from search.trials.problem import Trial
from search.trials.pruning import Cutoffs, rungs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(300, 2)
POSITIVE = np.exp(0.5 * X[:, 0] + 2)
NETWORK = BPRegressor(
    hidden_layer_sizes=(16,),
    max_iter=60,
    n_iter_no_change=99,
    learning_rate_init=0.01,
    scale_target=True,
    random_state=0,
)
RESTRICTED = ["neg_mean_squared_log_error", "neg_root_mean_squared_log_error", "neg_mean_poisson_deviance"]


@pytest.fixture
def told(make_problem):
    """Make a problem whose scorer tells these values, one for each checkpoint of a fit (4, 6, 9, 12 epochs), and errors."""

    def make(*values, **changes):
        calls = iter([v for value in values for v in [value] * (1 if isinstance(value, Exception) else 3)])

        def scorer(*_):
            value = next(calls)
            if isinstance(value, Exception):
                raise value
            return value

        return dataclasses.replace(make_problem(), scorer=scorer, **changes)

    return make


@pytest.mark.parametrize("scoring", RESTRICTED)
@pytest.mark.parametrize(
    "network", [NETWORK, BPEnsembleRegressor(NETWORK, n_members=2, random_state=0)], ids=["one", "several"]
)
def test_metrics_of_a_restricted_domain_bug(scoring, network):
    """An early checkpoint with predictions that the metric refuses was the verdict on the whole trial."""
    name = "alpha" if network is NETWORK else "estimator__alpha"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = GridSearchCV(network, {name: [1e-4]}, cv=3, scoring=scoring).fit(X, POSITIVE)
        found = BPSearchCV(network, {name: [1e-4]}, method="grid", cv=3, scoring=scoring, random_state=0)
        found.fit(X, POSITIVE)
    assert np.isfinite(found.best_score_)
    if np.isfinite(expected.best_score_):
        assert found.best_score_ == pytest.approx(expected.best_score_, abs=0.05)


def test_a_correlation_that_is_undefined_at_first_bug(make_problem):
    """Of predictions that do not vary, it is NaN; a first NaN was never improved on."""
    predictions = []

    def correlation(y, predicted):
        predictions.append(predicted)
        return math.nan if len(predictions) <= 3 else float(pearsonr(y, predicted)[0])

    problem = dataclasses.replace(make_problem(), scorer=make_scorer(correlation))
    outcome = evaluate(problem, Trial(0, {}))
    assert outcome.verdict == "ok"
    assert outcome.curve[4] == -math.inf
    assert outcome.score == max(outcome.curve.values()) > 0
    assert list(outcome.defined) == [6, 9, 12]


UNDEFINED = {
    "raises": ValueError("no logarithm"),
    "is NaN": math.nan,
    "is infinite": math.inf,
    "is minus infinity": -math.inf,
}


@pytest.mark.parametrize("value", UNDEFINED.values(), ids=UNDEFINED)
@pytest.mark.parametrize("place", range(4))
def test_one_checkpoint_without_a_score_ends_no_trial(told, value, place):
    values = [1.0, 2.0, 3.0, 4.0]
    values[place] = value
    outcome = evaluate(told(*values), Trial(0, {}))
    assert outcome.verdict == "ok"
    assert list(outcome.curve.values()) == [-math.inf if i == place else v for i, v in enumerate([1.0, 2.0, 3.0, 4.0])]
    assert (outcome.score, outcome.epoch) == ((4.0, 12) if place < 3 else (3.0, 9))


@pytest.mark.parametrize("spoiled", range(3))
def test_a_fold_without_a_score_is_a_checkpoint_without_one(make_problem, spoiled):
    values = iter([*(math.nan if fold == spoiled else 9.0 for fold in range(3)), *[1.0] * 9])
    outcome = evaluate(dataclasses.replace(make_problem(), scorer=lambda *_: next(values)), Trial(0, {}))
    assert (outcome.score, outcome.epoch) == (1.0, 6)


def test_an_error_at_every_checkpoint_is_the_verdict_and_the_last_one_told(told):
    errors = [ValueError(f"no logarithm at checkpoint {number}") for number in range(4)]
    outcome = evaluate(told(*errors), Trial(0, {}))
    assert (outcome.verdict, outcome.reason) == ("error", "ValueError: no logarithm at checkpoint 3")
    with pytest.raises(ValueError, match="at checkpoint 3"):
        evaluate(told(*errors, error_score="raise"), Trial(0, {}))
    assert evaluate(told(*errors[:3], 1.0, error_score="raise"), Trial(0, {})).verdict == "ok"


def test_a_trial_does_not_give_up_before_it_has_a_score(told):
    """Of checkpoints without a score the last three are no worse than those before them."""
    problem = told(*[math.nan] * 6, 1.0)
    outcome = evaluate(problem, Trial(0, {"max_iter": 30, "n_iter_no_change": 99}))
    assert (outcome.verdict, outcome.epoch, outcome.score) == ("ok", 30, 1.0)


@pytest.mark.parametrize(
    ("cutoff", "verdict"), [(-1e300, "stopped"), (-math.inf, "ok")], ids=["a cut-off", "no cut-off"]
)
def test_a_trial_without_a_score_is_below_every_cut_off(told, make_outcome, cutoff, verdict):
    outcome = evaluate(told(math.nan, math.nan, 1.0, 1.0), Trial(0, {}, {6: cutoff}))
    assert outcome.verdict == verdict
    if verdict == "stopped":
        assert outcome.reason == "no score at epoch 6 is below the cut-off -1e+300"
        assert (outcome.fold_scores, outcome.epoch, outcome.metrics) == ([], 0, {})
        feedback = Penalizer("graded_constraint", -2.0).feedback(outcome)
        assert (feedback.value, feedback.constraint, feedback.state) == (-2.0, -1.0, "pruned")


@pytest.mark.parametrize(("without", "expected"), [(3, 3.5), (4, -math.inf), (5, -math.inf)])
def test_trials_without_a_score_are_the_worse_half(make_outcome, without, expected):
    (rung, *_) = rungs(100)
    curves = [{rung: -math.inf if n < without else float(n)} for n in range(8)]
    limits = Cutoffs(100, [make_outcome(n, curve=curve) for n, curve in enumerate(curves)]).limits()
    assert limits == {rung: expected}


def test_evaluations_are_pooled_where_all_have_a_score(make_outcome):
    first = make_outcome(0, curve={4: -math.inf, 6: 1.0, 9: 2.0}, epoch=9)
    again = make_outcome(0, curve={4: 3.0, 6: -math.inf, 9: 1.0}, epoch=4)
    both = pool(first, [again])
    assert (both.curve, both.epoch) == ({4: -math.inf, 6: -math.inf, 9: 1.5}, 9)
    apart = dataclasses.replace(again, curve={4: 3.0, 6: -math.inf, 9: -math.inf})
    assert pool(first, [apart]).epoch == 9
    assert pool(first, [dataclasses.replace(apart, curve={5: 3.0})]).epoch == 9


@pytest.mark.parametrize("estimator", [NETWORK, LinearRegression()], ids=["network", "another estimator"])
@pytest.mark.parametrize("error_score", [math.nan, -7.0, "raise"])
def test_training_scores_decide_nothing(estimator, error_score):
    """A metric of the training rows that is undefined was the verdict on the trial."""

    def score(model, rows, y):
        if len(rows) == 200:
            raise ValueError("no logarithm")
        return get_scorer("r2")(model, rows, y)

    space = {"alpha": [1e-4]} if estimator is NETWORK else {"fit_intercept": [True]}
    search = BPSearchCV(
        estimator, space, method="grid", cv=3, scoring=score, random_state=0,
        error_score=error_score, return_train_score=True, refit=False,
    )  # fmt: skip
    if error_score == "raise":
        with pytest.raises(ValueError, match="no logarithm"):
            search.fit(X, POSITIVE)
        return
    with pytest.warns(UserWarning, match="Scoring the training rows failed; the score is set to .* no logarithm"):
        search.fit(X, POSITIVE)
    assert search.cv_results_["mean_test_score"][0] > 0.5
    np.testing.assert_equal(search.cv_results_["mean_train_score"][0], error_score)


class Pruned(optuna.samplers.BaseSampler):
    """Draws at random; remembers nothing."""

    def infer_relative_search_space(self, study, trial):
        return {}

    def sample_relative(self, study, trial, search_space):
        return {}

    def sample_independent(self, study, trial, name, distribution):
        return 0.5


@pytest.mark.parametrize("asked", [True, False])
def test_samplers_of_optuna_see_numbers_only(make_outcome, asked):
    """Asked for the trial, or told of one of an earlier run."""
    space = spaces.build({"alpha": (0.1, 1.0)})
    sampler = OptunaSampler(space, Pruned())
    params = sampler.ask(0) if asked else {"alpha": 0.5}
    outcome = make_outcome(0, "stopped", params=params, curve={4: -math.inf, 6: 0.5})
    sampler.tell(outcome, Feedback(0.5, state="pruned"))
    assert sampler._study.trials[0].intermediate_values == {6: 0.5}
