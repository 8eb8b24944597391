"""The winner's diagnosis never advises against what the search has found."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from bpmodel import Finding
from bpmodel.diagnosis.rules import Rule
from search.cv import folds
from search.cv.kinds import Scheme
from search.trials import diagnoses
from search.trials.evaluation import evaluate
from search.trials.outcomes import winner
from search.trials.problem import Trial
from search.trials.refitting import networks, refit
from search.trials.shared_cache import ComputeOnce

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORK = {"hidden_layer_sizes": (32, 16), "learning_rate_init": 0.005, "batch_size": 32, "max_iter": 200}
ALPHAS = [1e-4, 1.0, 100.0]
"""Too little for noisy rows, about right, and far too much."""


@pytest.fixture(scope="module", params=[1.0, 2.0], ids=["noise 1", "noise 2"])
def noisy(request, make_problem):
    """A problem of noisy rows, its trials by alpha, and their diagnoses."""
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 6))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + request.param * random.normal(size=300)
    splits = folds.split(Scheme("k_fold", 3), y, seed=0, where="test")
    problem = dataclasses.replace(make_problem(**NETWORK), X=X, y=y, folds=splits, prepared=ComputeOnce())
    return problem, {n: evaluate(problem, Trial(n, {"alpha": alpha})) for n, alpha in enumerate(ALPHAS)}


def codes(problem, outcome, tried=()) -> set[str]:
    found = diagnoses.diagnose(problem, Trial(outcome.number, outcome.params), tried)
    return {code for diagnosis in found for code in diagnosis.codes}


def test_a_penalty_that_suits_noisy_rows_is_no_underfitting_bug(noisy):
    """The winner was told to lower its penalties; the search had found that this is worse."""
    problem, outcomes = noisy
    best = winner(outcomes)
    assert best.params == {"alpha": 1.0}
    assert "underfitting" not in codes(problem, best)
    assert "underfitting" in codes(problem, outcomes[2])


def test_the_refit_of_the_winner_is_not_told_what_was_tried_bug(noisy):
    problem, outcomes = noisy
    tried = diagnoses.tried_in(problem, outcomes.values())
    assert tried == {"alpha"}
    (network,) = networks(refit(problem, winner(outcomes)))
    alone = network.diagnose()
    assert alone.codes == ["underfitting"], "without validation rows noise cannot be told from a penalty"
    assert alone.findings[0].change == {"alpha": 1e-4}, "the other penalties are 0 already"
    assert diagnoses.diagnosis(network, tried).codes == []
    assert diagnoses.diagnosis(network, {"solver"}).codes == ["underfitting"]


STEP, BOTH, DATA = {"learning_rate_init": 0.1}, {"alpha": 1e-4, "dropout": 0.0}, {}
CASES = {  # changes of the remedy, whether it is about how much to fit, what was tried, whether it is told
    "a remedy that was not tried": (STEP, False, {"alpha"}, True),
    "a remedy that was tried": (STEP, False, {"alpha", "learning_rate_init"}, False),
    "a remedy of which one half was tried": (BOTH, False, {"alpha"}, True),
    "a remedy of which all was tried": (BOTH, False, {"alpha", "dropout"}, False),
    "alternatives, of which one was tried": (BOTH, True, {"alpha"}, False),
    "alternatives, of which none was tried": (BOTH, True, {"solver"}, True),
    "more epochs, which every search tries": ({"max_iter": 999}, True, {"solver"}, False),
    "no hyperparameter": (DATA, True, {"alpha"}, True),
}


@pytest.mark.parametrize("diverged", [False, True])
@pytest.mark.parametrize(("change", "amount", "tried", "told"), CASES.values(), ids=CASES)
def test_remedies_that_were_tried_are_not_told(change, amount, tried, told, diverged):
    """Of a fit that diverged everything is told: it is no winner's."""
    rule = Rule(lambda record: Finding("x", 1, {}, "", "", change), "none", amount=amount)
    record = SimpleNamespace(diverged=diverged)
    found = diagnoses._unless_tried(rule, frozenset(tried) | diagnoses.EPOCHS, record)
    assert (found is not None) is (told or diverged)


def test_what_was_tried_are_the_networks_own_parameters_with_several_values(make_problem, make_outcome):
    params = [{"alpha": 1.0, "activation": "relu"}, {"alpha": 1.0, "activation": "tanh"}, {"hidden_layer_sizes": [8]}]
    outcomes = [make_outcome(n, params=p) for n, p in enumerate(params)]
    assert diagnoses.tried_in(make_problem(), outcomes) == {"activation"}
    names = [
        {f"bpregressor__{k}": v for k, v in p.items()} | {"standardscaler__with_mean": bool(n)}
        for n, p in enumerate(params)
    ]
    unprefixed = dataclasses.replace(make_problem(), prefix="")
    assert diagnoses.tried_in(unprefixed, [make_outcome(n, params=p) for n, p in enumerate(names)]) == {"activation"}
    assert diagnoses.tried_in(make_problem(), []) == set()


def test_the_number_of_epochs_is_tried_by_every_search(monkeypatch, make_problem):
    more = Rule(lambda record: Finding("x", 1, {}, "", "", {"max_iter": 999}), "none", amount=True)
    monkeypatch.setattr(diagnoses, "RULES", (more,))
    problem = make_problem()
    (network,) = networks(refit(problem, evaluate(problem, Trial(0, {}))))
    assert diagnoses.diagnosis(network, {"solver"}).codes == []
    assert diagnoses.diagnosis(network).codes == ["x"]
