"""A trial times the folds gives an outcome: the same as fitting and scoring each fold by hand."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from bpmodel import BPRegressor, DivergenceWarning
from search.cv import folds
from search.seeds import derive
from search.signals.interruption import Cancelled
from search.trials import diagnoses
from search.trials.checkpoints import checkpoints
from search.trials.evaluation import evaluate
from search.trials.fold_fits import batch_size, begin
from search.trials.nesting import surround
from search.trials.prepared.folds import prepare
from search.trials.problem import Trial
from search.trials.refitting import networks, refit
from search.trials.shared_cache import ComputeOnce

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EXPLOSIVE = {"solver": "sgd", "learning_rate_init": 50.0, "on_divergence": "stop"}

CONFIGURATIONS = {
    "adam": ("regression", {"alpha": 0.1}),
    "sgd": ("regression", {"solver": "sgd", "learning_rate_init": 0.01}),
    "deep": ("regression", {"hidden_layer_sizes": (6, 5), "activation": "tanh"}),
    "ends early": ("regression", {"n_iter_no_change": 2, "tol": 0.5}),
    "classes": ("classification", {"learning_rate_init": 0.1}),
}


def result(outcome) -> dict:
    """Return what must be the same in every run: all but the time it took."""
    return {k: v for k, v in dataclasses.asdict(outcome).items() if "seconds" not in k}


def fit_by_hand(problem, trial, fold: int, epochs: int):
    """Fit a pipeline on the training rows of a fold for a number of epochs, and score it on the others."""
    train, validation = problem.folds.splits[fold]
    step = problem.estimator.steps[-1][0]
    changes = dict(trial.params, max_iter=epochs, random_state=derive(problem.seed, trial.number, fold))
    pipeline = clone(problem.estimator).set_params(**{f"{step}__{k}": v for k, v in changes.items()})
    pipeline.fit(problem.X[train], problem.y[train])
    return problem.scorer(pipeline, problem.X[validation], problem.y[validation])


@pytest.mark.parametrize(("task", "params"), CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_outcome_is_that_of_fits_by_hand(make_problem, task, params):
    problem, trial = make_problem(task, seed=3), Trial(5, params)
    outcome = evaluate(problem, trial)
    assert outcome.verdict == "ok"
    means = {}
    for epoch in outcome.curve:
        scores = [fit_by_hand(problem, trial, fold, epoch) for fold in range(3)]
        means[epoch] = np.mean(scores)
        if epoch == outcome.epoch:
            assert outcome.fold_scores == pytest.approx(scores, rel=1e-5)
            assert outcome.std == pytest.approx(np.std(scores), rel=1e-4)
    assert outcome.curve == pytest.approx(means, rel=1e-5)
    assert outcome.epoch == max(outcome.curve, key=outcome.curve.get)
    assert outcome.score == pytest.approx(outcome.curve[outcome.epoch])


def test_losses_are_means_over_the_folds(make_problem):
    problem, trial = make_problem(), Trial(0, {})
    outcome = evaluate(problem, trial)
    curves = []
    for fold, prepared in enumerate(prepare(problem)):
        network = clone(problem.estimator[-1]).set_params(random_state=derive(0, 0, fold))
        curves.append(network.fit(prepared.X_train, prepared.y_train).loss_curve_)
    assert outcome.losses["training"] == pytest.approx(np.mean(curves, axis=0))
    assert len(outcome.losses["validation"]) == len(outcome.losses["training"]) == outcome.last_checkpoint == 12


@pytest.mark.parametrize(
    ("more", "n_rows"), [({}, 60), ({"early_stopping": True}, 54)], ids=["plain", "early stopping"]
)
def test_a_batch_size_larger_than_the_rows_is_all_rows_bug(make_problem, more, n_rows):
    """The estimator's warning, an error where warnings are, was a trial's verdict; everywhere else it came once a fit."""
    problem = make_problem(batch_size=512, **more)
    outcome = evaluate(problem, Trial(0, {}))
    assert result(outcome) == result(evaluate(make_problem(batch_size=n_rows, **more), Trial(0, {})))
    assert outcome.verdict == "ok"
    assert refit(problem, outcome)[-1].batch_size == 512


@pytest.mark.parametrize(
    ("early_stopping", "n_rows", "expected"),
    [(False, 10, 10), (False, 16, 16), (False, 17, 16), (True, 10, 7), (True, 22, 16), (True, 21, 15), (True, 1, 1)],
)
def test_a_batch_is_no_larger_than_the_rows_that_are_trained_on(early_stopping, n_rows, expected):
    """Early stopping sets a quarter of them aside, rounded up."""
    network = BPRegressor(batch_size=16, early_stopping=early_stopping, validation_fraction=0.25)
    assert batch_size(network, n_rows) == expected


def test_balanced_class_weights_are_those_of_the_training_rows_bug(make_problem):
    """Validation rows were counted, too."""
    problem = make_problem("classification", class_weight="balanced")
    y = np.where(np.arange(len(problem.y)) < 40, 0, problem.y)
    splits = folds.from_splitter(KFold(3), problem.X, y)
    problem = dataclasses.replace(problem, y=y, folds=splits)
    for (_, fit), (train, _) in zip(begin(problem, Trial(0, {}))[1], splits.splits, strict=True):
        np.testing.assert_allclose(fit.rows.weights(), compute_sample_weight("balanced", y[train]), rtol=1e-6)


def test_the_same_seed_gives_the_same_outcome(make_problem):
    first, again = (result(evaluate(make_problem(seed=1), Trial(2, {"alpha": 0.1}))) for _ in range(2))
    assert first == again
    other_trial = result(evaluate(make_problem(seed=1), Trial(3, {"alpha": 0.1})))
    other_seed = result(evaluate(make_problem(seed=2), Trial(2, {"alpha": 0.1})))
    assert len({tuple(r["fold_scores"]) for r in (first, other_trial, other_seed)}) == 3


def test_evaluation_changes_nothing_it_was_given(make_problem):
    problem, params = make_problem(), {"hidden_layer_sizes": [5]}
    X, y, before = problem.X.copy(), problem.y.copy(), repr(problem.estimator)
    evaluate(problem, Trial(0, params))
    np.testing.assert_array_equal(problem.X, X)
    np.testing.assert_array_equal(problem.y, y)
    assert (repr(problem.estimator), params) == (before, {"hidden_layer_sizes": [5]})


def test_all_folds_diverge(make_problem):
    outcome = evaluate(make_problem(), Trial(0, EXPLOSIVE))
    assert (outcome.verdict, outcome.fold_scores) == ("diverged", [])
    assert np.isnan(outcome.score)
    assert outcome.divergence.fold == 0
    assert outcome.reason == f"fold 1 of 3: {outcome.divergence.reason}"
    assert outcome.divergence.survived == pytest.approx((outcome.divergence.epoch - 1) / 12)


def test_a_diverged_fold_is_diagnosed_as_a_fit_is(make_problem):
    problem = make_problem()
    outcome = evaluate(problem, Trial(4, EXPLOSIVE))
    fold = prepare(problem)[0]
    network = clone(problem.estimator[-1]).set_params(**EXPLOSIVE, random_state=derive(0, 4, 0))
    with pytest.warns(DivergenceWarning):
        network.fit(fold.X_train, fold.y_train)
    expected = network.diagnose()
    assert outcome.divergence.code == expected.codes[0] == "exploding_step"
    assert outcome.divergence.findings == json.loads(expected.to_json())["findings"]


def test_what_is_not_probed_is_not_diagnosed(make_problem):
    problem = make_problem(solver="lbfgs")
    assert diagnoses.diagnose(problem, Trial(0, {})) == [None] * 3
    outcome = evaluate(problem, Trial(0, {}))
    network = clone(problem.estimator[-1]).fit(problem.X, problem.y)
    assert (outcome.verdict, diagnoses.diagnosis(network)) == ("ok", None)


def test_diagnoses_of_all_folds(make_problem):
    problem = make_problem()
    found = diagnoses.diagnose(problem, Trial(4, EXPLOSIVE))
    assert [d.codes for d in found] == [["exploding_step"]] * 3
    first = evaluate(problem, Trial(4, EXPLOSIVE)).divergence
    assert first.reason in found[0].summary
    healthy = diagnoses.diagnose(problem, Trial(0, {"max_iter": 40, "learning_rate_init": 0.05}))
    assert [d.codes for d in healthy] == [[]] * 3


def test_a_repaired_trial_is_scored_and_one_that_gives_up_has_diverged(make_problem):
    explosive = {**EXPLOSIVE, "on_divergence": "repair"}
    assert evaluate(make_problem(), Trial(0, EXPLOSIVE)).verdict == "diverged"
    outcome = evaluate(make_problem(), Trial(0, explosive))
    assert (outcome.verdict, outcome.divergence) == ("ok", None)
    assert np.isfinite(outcome.score)
    assert outcome.repairs
    assert all(line.startswith("fold ") and " with " in line for line in outcome.repairs if "skipped" not in line)
    assert evaluate(make_problem(), Trial(0, {})).repairs == []
    outcome = evaluate(make_problem(), Trial(0, {**explosive, "learning_rate_init": 1e15}))
    assert outcome.verdict == "diverged"
    assert outcome.divergence.epoch >= 1
    assert 0 <= outcome.divergence.survived < 1
    assert outcome.divergence.code == "exploding_step"


def test_one_diverged_fold_ends_the_trial_without_an_average_over_the_others(make_problem):
    problem = make_problem(steps=("passthrough",), solver="sgd", learning_rate_init=0.01)
    problem.X[:] = StandardScaler().fit_transform(problem.X)
    assert evaluate(problem, Trial(0, {})).verdict == "ok"
    spoiled = problem.folds.splits[0][1][0]  # a row that all folds but the first train on
    problem.X[spoiled] *= 1e6
    problem = dataclasses.replace(problem, prepared=ComputeOnce())
    outcome = evaluate(problem, Trial(0, {}))
    assert (outcome.verdict, outcome.fold_scores, outcome.curve) == ("diverged", [], {})
    assert outcome.divergence.fold == 1
    assert outcome.reason.startswith("fold 2 of 3: ")


def test_ignored_divergence_is_no_divergence(make_problem):
    outcome = evaluate(make_problem(), Trial(0, EXPLOSIVE | {"on_divergence": "ignore"}))
    assert outcome.verdict == "error"
    assert "finite" in outcome.reason or "NaN" in outcome.reason


def test_cutoff_stops_a_trial_that_is_below_it(make_problem):
    problem = make_problem()
    free = evaluate(problem, Trial(0, {}))
    stopped = evaluate(problem, Trial(0, {}, {6: free.curve[6] + 1e9}))
    assert stopped.verdict == "stopped"
    assert stopped.curve == {epoch: score for epoch, score in free.curve.items() if epoch <= 6}
    assert stopped.epoch == max(stopped.curve, key=stopped.curve.get)
    assert "at epoch 6 is below the cut-off" in stopped.reason


def test_cutoff_lets_a_trial_that_reaches_it_go_on(make_problem):
    problem = make_problem()
    free = evaluate(problem, Trial(0, {}))
    reached = max(score for epoch, score in free.curve.items() if epoch <= 6)
    assert result(evaluate(problem, Trial(0, {}, {6: reached}))) == result(free)


@pytest.mark.parametrize(
    ("params", "reason"),
    [({"alpha": -1}, "InvalidParameterError: The 'alpha'"), ({"no_such": 1}, "ValueError: Invalid parameter")],
)
def test_a_configuration_that_cannot_be_trained_is_a_verdict(make_problem, params, reason):
    outcome = evaluate(make_problem(), Trial(0, params))
    assert (outcome.verdict, outcome.fold_scores) == ("error", [])
    assert outcome.reason.startswith(reason)
    assert "\n" not in outcome.reason


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_an_error(make_problem, value):
    problem = dataclasses.replace(make_problem(), scorer=lambda *_: value)
    outcome = evaluate(problem, Trial(0, {}))
    assert (outcome.verdict, outcome.fold_scores) == ("error", [])


def test_cancelled_at_the_next_checkpoint(make_problem):
    with pytest.raises(Cancelled):
        evaluate(make_problem(), Trial(0, {}), lambda: True)


def test_a_bare_estimator_is_a_problem_too(make_problem):
    piped = make_problem()
    bare = dataclasses.replace(
        piped, estimator=piped.estimator[-1], X=StandardScaler().fit_transform(piped.X), prefix=""
    )
    assert evaluate(bare, Trial(0, {"alpha": 0.1})).verdict == "ok"
    assert isinstance(refit(bare, evaluate(bare, Trial(0, {}))), BPRegressor)


def test_parameters_of_other_steps_are_searched(make_problem):
    problem = dataclasses.replace(make_problem(), prefix="")
    outcomes = [evaluate(problem, Trial(0, {"standardscaler__with_std": value})) for value in (True, False)]
    assert outcomes[0].score != outcomes[1].score
    assert not refit(problem, outcomes[1]).named_steps["standardscaler"].with_std


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_refit_is_a_fit_on_all_rows_for_the_epochs_agreed_on(make_problem, task):
    problem = make_problem(task)
    outcome = dataclasses.replace(evaluate(problem, Trial(4, {"alpha": 0.1})), epoch=6)
    model = refit(problem, outcome)
    assert model[-1].n_iter_ == 6
    state = derive(problem.seed, 4, len(problem.folds))
    by_hand = clone(problem.estimator)
    by_hand[-1].set_params(alpha=0.1, max_iter=6, random_state=state)
    np.testing.assert_allclose(
        model.predict(problem.X), by_hand.fit(problem.X, problem.y).predict(problem.X), rtol=1e-5
    )


def test_weights_are_counted(make_problem):
    problem = make_problem()
    outcome = evaluate(problem, Trial(0, {"hidden_layer_sizes": [7, 3]}))
    network = refit(problem, outcome)[-1]
    assert outcome.n_weights == sum(weights.size for weights in (*network.coefs_, *network.intercepts_))


def test_refit_that_always_diverges(make_problem):
    problem = make_problem()
    outcome = dataclasses.replace(evaluate(problem, Trial(0, EXPLOSIVE)), epoch=6)
    with pytest.raises(ArithmeticError, match="diverged 3 times"):
        refit(problem, outcome)


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_refit_of_several_networks_is_their_mean(make_problem, task, n_jobs):
    problem = make_problem(task)
    outcome = dataclasses.replace(evaluate(problem, Trial(4, {"alpha": 0.1})), epoch=6)
    one, three = refit(problem, outcome), refit(problem, outcome, 3, n_jobs)
    members = networks(three)
    assert [network.n_iter_ for network in members] == [6, 6, 6]
    assert len({network.random_state for network in members}) == 3
    alone = [surround(three, network) for network in members]
    method = "predict" if task == "regression" else "predict_proba"
    predictions = [getattr(model, method)(problem.X) for model in alone]
    np.testing.assert_array_equal(predictions[0], getattr(one, method)(problem.X))
    np.testing.assert_allclose(getattr(three, method)(problem.X), np.mean(predictions, axis=0), rtol=1e-6)


def test_a_refit_goes_on_with_the_networks_that_do_not_diverge(make_problem, monkeypatch):
    """Three starts for each of four networks; by this rule no start of the second is healthy, and the third needs two."""
    problem, allowed = make_problem(), {0, 2 + 4, 3}
    outcome = dataclasses.replace(evaluate(problem, Trial(0, {"alpha": 0.1})), epoch=2)
    starts = [derive(problem.seed, 0, len(problem.folds) + place) for place in range(12)]
    train = BPRegressor.end_fit

    def end_fit(network, training):
        train(network, training)
        network.diverged_ = starts.index(network.random_state) not in allowed
        return network

    monkeypatch.setattr(BPRegressor, "end_fit", end_fit)
    with pytest.warns(DivergenceWarning, match="1 of 4 networks diverged 3 times each and are excluded; one of them:"):
        members = networks(refit(problem, outcome, 4))
    assert [starts.index(network.random_state) for network in members] == [0, 6, 3]


def test_pipeline_with_a_cache_bug(make_problem, tmp_path):
    """With `memory` scikit-learn fits copies of the steps, and the copies were lost: nothing was fitted."""
    plain = make_problem()
    cached = dataclasses.replace(plain, estimator=Pipeline(plain.estimator.steps, memory=str(tmp_path)))
    outcome = evaluate(cached, Trial(0, {}))
    assert result(outcome) == result(evaluate(plain, Trial(0, {})))
    np.testing.assert_array_equal(refit(cached, outcome).predict(plain.X), refit(plain, outcome).predict(plain.X))


@pytest.mark.parametrize("max_iter", [1, 3, 4, 5, 100, 1000])
def test_checkpoints_rise_in_small_steps_to_the_last_epoch(max_iter):
    epochs = checkpoints(max_iter)
    assert epochs[-1] == max_iter
    assert all(before < after <= max(np.ceil(1.4 * before), before + 1) for before, after in itertools.pairwise(epochs))


def test_seeds_of_all_fits_differ():
    assert len({derive(s, t, f) for s in range(3) for t in range(20) for f in range(6)}) == 360
