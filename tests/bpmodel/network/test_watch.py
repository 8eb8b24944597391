"""The rules of the watch, each just below and just above its threshold; verdicts follow from the table of symptoms."""

import copy
import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import skops.io

from bpmodel import Verdict
from bpmodel.network import watch
from bpmodel.network.verdicts import (
    LAYER_DEAD,
    LOSS_EXPLODED,
    LOSS_NOT_FINITE,
    OK,
    OUTPUTS_NOT_FINITE,
    RUNNING,
    STATUSES,
    STILL_FAR,
    SYMPTOMS,
    WEIGHTS_NOT_FINITE,
    failure,
)

EVIDENCE = {"epoch": 3, "step": 7, "loss": 30.0, "baseline": 2.0, "gradient_norm": 4.0, "layer": 2}
BELOW, ABOVE = np.nextafter(1.0, 0), np.nextafter(1.0, 2)


# --------------------------------------------------------------------------------------------------------- rules

LIMITS = {
    "ten times the dummy predictor's loss": ((1.0, 0.0), 10.0),
    "the start counts from a fifth of that": ((1.0, 5.001), 10.002),
    "and not below": ((1.0, 4.999), 10.0),
    "five times the start where losses are noisy": ((1.0, 2.001, True), 10.005),
    "noise alone is nothing": ((1.0, 1.999, True), 10.0),
    "no baseline": ((0.0, 3.0), 6.0),
}


@pytest.mark.parametrize(("arguments", "expected"), LIMITS.values(), ids=LIMITS)
def test_the_limit_of_an_epochs_loss(arguments, expected):
    assert watch.limit(*arguments) == pytest.approx(expected, rel=1e-12)


def test_a_total_explodes_above_its_limit_and_not_at_it():
    assert watch.symptom_of_loss(1.0, 50.0, 50.0) == RUNNING
    assert watch.symptom_of_loss(1.0, 50.0 * ABOVE, 50.0) == LOSS_EXPLODED


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_is_named_so_whatever_the_total(loss):
    for total in (0.0, np.inf, np.nan):
        assert watch.symptom_of_loss(loss, total, 1.0) == LOSS_NOT_FINITE


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_one_weight_that_is_not_finite_is_enough(wrong):
    assert watch.symptom_of_weights(np.array([1.0, -1e30, 1e30])) == RUNNING
    assert watch.symptom_of_weights(np.array([1.0, wrong, 0.0])) == WEIGHTS_NOT_FINITE


STALLS = {
    "a dead layer, nothing learned": ((0.9 * ABOVE, True, False), LAYER_DEAD),
    "a dead layer, something learned": ((0.9, True, False), RUNNING),
    "far away at the end of a repaired fit": ((10.0 * ABOVE, False, True), STILL_FAR),
    "not far enough": ((10.0, False, True), RUNNING),
    "far away, but not at its end": ((11.0, False, False), RUNNING),
    "both: the dead layer is the reason": ((11.0, True, True), LAYER_DEAD),
}


@pytest.mark.parametrize(("arguments", "expected"), STALLS.values(), ids=STALLS)
def test_a_fit_that_has_stalled(arguments, expected):
    assert watch.symptom_of_stall(*arguments) == expected


def test_a_few_rows_are_judged_as_two_hundred():
    assert watch.STEADY_ROWS == 200


PROGRESS = {  # early stopping, latest loss and score, best, stagnant after one stagnant epoch; the best were 2.0 and 0.5
    "a loss lower by less than tol": (False, 1.95, 0.0, True, 2),
    "lower by tol": (False, 1.875, 0.0, True, 0),
    "no lower": (False, 2.0, 9.0, False, 2),
    "not known": (False, np.nan, 9.0, False, 0),
    "a score higher by less than tol": (True, 9.0, 0.55, True, 2),
    "higher by tol": (True, 9.0, 0.625, True, 0),
    "no higher": (True, 0.0, 0.5, False, 2),
}


@pytest.mark.parametrize(("early", "loss", "score", "best", "stagnant"), PROGRESS.values(), ids=PROGRESS)
def test_progress_is_an_improvement_by_tol(early, loss, score, best, stagnant):
    settings = SimpleNamespace(early_stopping=early, tol=0.125)
    history = SimpleNamespace(loss=np.array([9.0, loss]), validation_score=np.array([0.0, score]))
    fields = [("epoch", int), ("stagnant", int), ("best_loss", float), ("best_score", float)]
    state = np.array([(2, 1, 2.0, 0.5)], dtype=fields)
    assert watch.note_progress(settings, history, state) == best
    assert state["stagnant"][0] == stagnant
    assert (state["best_loss"][0], state["best_score"][0]) == ((loss, score) if best else (2.0, 0.5))


# ------------------------------------------------------------------------------------------------------ verdicts


def test_every_code_of_a_failure_has_a_symptom_and_every_symptom_a_status():
    assert list(SYMPTOMS) == [code for code in range(max(SYMPTOMS) + 1) if code > OK > RUNNING]
    assert {symptom.status for symptom in SYMPTOMS.values()} == {name for name, row in STATUSES.items() if row.failed}
    assert [name for name, row in STATUSES.items() if not row.failed] == ["ok"]


SENTENCES = {
    LOSS_NOT_FINITE: "diverged: the loss became non-finite at epoch 3, step 7; gradient norm 4",
    LOSS_EXPLODED: "diverged: the loss exploded (30, 15 times the dummy predictor's) at epoch 3, step 7; gradient norm 4",
    WEIGHTS_NOT_FINITE: "diverged: the weights became non-finite at epoch 3, step 7; gradient norm 4",
    LAYER_DEAD: "stalled: every unit of hidden layer 2 is dead after epoch 3, step 7; no gradient passes through it",
    OUTPUTS_NOT_FINITE: "diverged: the outputs for the training rows became non-finite at epoch 3, step 7; gradient norm 4",
    STILL_FAR: "stalled: after 3 epochs the loss is still 15 times the dummy predictor's",
}


@pytest.mark.parametrize("code", SYMPTOMS)
def test_a_failure_in_words(code):
    verdict = failure(code, **EVIDENCE)
    assert str(verdict) == SENTENCES[code]
    assert (verdict.failed, verdict.diverged) == (True, SENTENCES[code].startswith("diverged"))
    assert verdict.evidence == {"loss": 30.0, "baseline": 2.0, "ratio": 15.0, "gradient_norm": 4.0}


def test_a_failure_of_an_epoch_whose_steps_are_not_known():
    verdict = failure(LOSS_NOT_FINITE, **EVIDENCE | {"step": None})
    assert verdict.reason == "the loss became non-finite at epoch 3; gradient norm 4"
    assert verdict.step is None


def test_without_a_baseline_the_ratio_is_infinite():
    assert failure(LOSS_EXPLODED, **EVIDENCE | {"baseline": 0.0}).evidence["ratio"] == np.inf


def test_weights_are_of_use_only_to_a_fit_that_came_closer():
    assert [code for code, symptom in SYMPTOMS.items() if not symptom.ruins_weights] == [STILL_FAR]


def test_a_status_is_plain_text():
    """It goes to JSON, MLflow and skops, which trust a str and no class of ours."""
    for status in STATUSES:
        verdict = Verdict(status, "because")
        assert type(verdict.status) is str
        assert json.loads(json.dumps(verdict.status)) == status
        assert str(verdict) == f"{status}: because"
        assert pickle.loads(pickle.dumps(verdict)) == copy.deepcopy(verdict) == verdict
        data = skops.io.dumps(verdict)
        types = skops.io.get_untrusted_types(data=data)
        assert [name.rpartition(".")[2] for name in types] == ["Verdict"]
        assert skops.io.loads(data, trusted=types) == verdict
