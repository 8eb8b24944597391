"""Axes and trials in Optuna's terms."""

import optuna
import pytest
import scipy.stats
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from search.samplers.optuna_terms import distributions, finished, quiet
from search.space import spaces
from search.trials.penalties import Feedback

SPACE = spaces.build(
    {
        "rate": (1e-3, 1.0, "log"),
        "share": (0.0, 0.5),
        "units": (4, 64, "log"),
        "layers": (1, 3),
        "kind": ["relu", "tanh"],
        "drawn": scipy.stats.uniform(2, 3),
    }
)
POINT = {"rate": 0.1, "share": 0.25, "units": 8, "layers": 2, "kind": "tanh", "drawn": 2.5}


def test_every_kind_of_axis():
    found = distributions(SPACE.axes)
    assert list(found) == list(SPACE)
    assert found["rate"] == FloatDistribution(1e-3, 1.0, log=True)
    assert found["share"] == FloatDistribution(0.0, 0.5)
    assert found["units"] == IntDistribution(4, 64, log=True)
    assert found["layers"] == IntDistribution(1, 3)
    assert isinstance(found["kind"], CategoricalDistribution)
    assert len(found["kind"].choices) == 2
    assert found["drawn"] == FloatDistribution(0.0, 1.0)


STATES = {
    "complete": (TrialState.COMPLETE, -0.5, {}),
    "pruned": (TrialState.PRUNED, None, {4: -0.5, 6: -0.375}),
    "failed": (TrialState.FAIL, None, {}),
}


@pytest.mark.parametrize("state", STATES)
def test_a_finished_trial(make_outcome, state):
    """Only a complete one has a value, and only a pruned one has its scores on the way."""
    kind, value, curve = STATES[state]
    feedback = Feedback(-0.5, 0.25, state)
    trial = finished(SPACE.leaves(POINT), SPACE.axes, make_outcome(7, params=POINT), feedback, {"a": 1})
    assert (trial.state, trial.value, trial.intermediate_values) == (kind, value, curve)
    assert trial.constraints == {"divergence": 0.25}
    assert trial.user_attrs == {"a": 1}
    assert (trial.params["rate"], trial.params["units"], trial.params["share"]) == (0.1, 8, 0.25)
    assert trial.params["drawn"] == pytest.approx((2.5 - 2) / 3)
    assert trial.distributions == distributions(SPACE.axes)


@pytest.mark.parametrize("level", [optuna.logging.DEBUG, optuna.logging.ERROR])
def test_the_log_is_quiet_for_a_while(level):
    before = optuna.logging.get_verbosity()

    def body():
        with quiet():
            assert optuna.logging.get_verbosity() == optuna.logging.WARNING
            raise KeyError

    try:
        optuna.logging.set_verbosity(level)
        with pytest.raises(KeyError):
            body()
        assert optuna.logging.get_verbosity() == level
    finally:
        optuna.logging.set_verbosity(before)
