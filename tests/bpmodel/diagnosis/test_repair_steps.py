"""What a repair does next: its bounds and factors, just below and just above."""

from types import SimpleNamespace

import numpy as np
import pytest

from bpmodel import Diagnosis, Finding, Repair, Verdict
from bpmodel.diagnosis.diagnose import examine
from bpmodel.diagnosis.evidence import UNKNOWN, Record
from bpmodel.diagnosis.repair import Repairer
from bpmodel.network.probes import no_signals

FAILED = Verdict("diverged", "the loss exploded", 3, 30, {"ratio": 50.0})
ENDED = Verdict("ok", "ended after 4 epochs")
NOTHING = Diagnosis((), "")


def record(losses, verdict=FAILED, **options):
    return Record(
        options={"solver": "sgd", "learning_rate_init": 1.0} | options,
        verdict=verdict,
        history={"loss": np.array(losses)},
        probes=no_signals(2),
        scales=UNKNOWN,
        activations=["relu"],
        units=[1, 4, 1],
        baseline=1.0,
        first_loss=1.0,
    )


def repairer(*actions, again=True, changes=None):
    """Return one that has taken these steps before."""
    done = [Repair(action, "exploding_step", {}, "", 1, 0, np.zeros(0)) for action in actions]
    return Repairer(lambda *_: None, (lambda _: None) if again else None, dict(changes or {}), done)


def found(*codes, **change):
    return Diagnosis(tuple(Finding(code, 0, {}, "", "", change or {code: 1}) for code in codes), "")


def rate(step):
    return step[2]["learning_rate_init"]


@pytest.mark.parametrize(
    ("losses", "before", "expected"),
    [
        ([0.899, 9.0], [], 0.5),
        ([0.899, 9.0], ["rewind"], 0.1),
        ([0.899, 9.0], ["restart"], 0.1),
        ([0.899, 9.0], ["restructure"], 0.5),
        ([0.9, 9.0], [], 0.0333),
        ([0.9, 9.0], ["rewind"], 0.0333),
        ([0.1], [], 0.0333),
    ],
)
def test_a_rate_is_halved_then_divided_by_ten_or_by_thirty_if_nothing_was_learned(losses, before, expected):
    """The loss of the epoch that failed does not count."""
    action, code, _ = step = repairer(*before)._after_failure(record(losses), NOTHING)
    assert (action, code, rate(step)) == ("rewind", "exploding_step", expected)


@pytest.mark.parametrize(("given", "used"), [(0, 1.0), (0.5, 1.0), (1.5, 1.5)])
def test_a_rewind_warms_up_for_an_epoch_at_least(given, used):
    _, _, change = repairer()._after_failure(record([1.0, 9.0], warmup_epochs=given), NOTHING)
    assert change["warmup_epochs"] == used


def test_a_rate_is_lowered_six_times_at_most():
    fit = record([1.0, 9.0])
    assert repairer(*["rewind"] * 4, "restart")._after_failure(fit, NOTHING)[0] == "rewind"
    assert repairer(*["rewind"] * 5, "restart")._after_failure(fit, NOTHING) is None
    assert repairer()._after_failure(record([1.0, 9.0], solver="lbfgs"), NOTHING) is None


def test_a_network_is_restructured_twice_at_most():
    fit, diagnosis = record([1.0, 9.0]), found("unscaled_input")
    assert repairer("restructure")._after_failure(fit, diagnosis) == (
        "restructure",
        "unscaled_input",
        {"unscaled_input": 1},
    )
    assert repairer("restructure", "restructure")._after_failure(fit, diagnosis)[0] == "rewind"
    assert repairer(again=False)._after_failure(fit, diagnosis)[0] == "rewind"


def test_all_causes_are_changed_at_once_but_one_symptom_only_and_nothing_twice():
    fit = record([1.0, 9.0])
    causes = found("exploding_step", "unscaled_input", "dead_units", "exploding_depth")
    assert repairer()._after_failure(fit, causes)[1:] == ("unscaled_input", {"unscaled_input": 1, "exploding_depth": 1})
    assert repairer(changes={"unscaled_input": 1})._after_failure(fit, causes)[1:] == (
        "exploding_depth",
        {"exploding_depth": 1},
    )
    symptoms = found("saturated_units", "dead_units")
    assert repairer()._after_failure(fit, symptoms)[1:] == ("saturated_units", {"saturated_units": 1})
    assert repairer()._after_failure(fit, found("outliers", "overfitting"))[0] == "rewind"


@pytest.mark.parametrize(("share", "action"), [(0.9, None), (0.901, "restart")])
def test_a_lowered_rate_that_taught_nothing_is_lowered_again(share, action):
    fit, diagnosis = record([share] * 4, ENDED), found("underfitting")
    step = repairer("rewind")._after_end(fit, diagnosis)
    assert (step and step[0]) == action
    assert step is None or rate(step) == 0.1
    assert repairer()._after_end(fit, diagnosis) is None, "at the given rate the end is the end"


@pytest.mark.parametrize("code", ["oscillating", "loss_spike"])
def test_a_lowered_rate_whose_loss_goes_to_and_fro_is_lowered_again(code):
    fit = record([0.5] * 4, ENDED)
    assert repairer("rewind")._after_end(fit, found(code))[:2] == ("rewind", code)
    assert repairer()._after_end(fit, found(code)) is None
    assert repairer("rewind")._after_end(fit, found("underfitting")) is None


def test_causes_of_a_fit_that_ended_and_learned_are_left_alone():
    fit = record([0.5] * 4, ENDED)
    assert repairer()._after_end(fit, found("unscaled_input")) is None
    assert repairer("rewind")._after_end(fit, found("oscillating", "dead_units"))[:2] == ("rewind", "oscillating")
    assert repairer("rewind")._after_end(record([0.95] * 4, ENDED), found("dead_units"))[0] == "restructure"


def test_steps_that_killed_units_lead_to_a_new_start():
    fit, diagnosis = record([1.0] * 4, ENDED), found("exploding_step")
    assert repairer()._after_end(fit, diagnosis)[0] == "restart"
    assert repairer(again=False)._after_end(fit, diagnosis)[0] == "rewind"
    assert repairer(*["rewind"] * 6)._after_end(fit, diagnosis) is None


class Fit(SimpleNamespace):
    """A fit of four epochs that failed, as far as a repair sees it; going back keeps three epochs."""

    failed = True

    def rewind(self, rate, warmup_epochs):
        self.gone_back = (rate, warmup_epochs)
        return 3

    def begin_anew(self, other):
        self.begun_anew = other


def called(diagnosis, *, verdict=FAILED, **more):
    """Return a repairer and a fit that it was called for."""
    fit = record([0.5, 0.4, 0.3, 9.0], verdict)
    anew = Repairer(lambda training, changes: fit, lambda changes: dict(changes), **more)
    training = Fit(failed=verdict.failed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bpmodel.diagnosis.repair.examine", lambda seen: diagnosis)
        anew(training)
    return anew, training


def test_a_rewind_gives_up_the_epochs_after_the_best():
    repairer, training = called(NOTHING)
    assert training.gone_back == (0.5, 1.0)
    (repair,) = repairer.repairs
    assert (repair.action, repair.code, repair.epoch, repair.kept) == ("rewind", "exploding_step", 4, 3)
    assert repair.losses.tolist() == [9.0]
    assert repair.change == repairer.changes == {"learning_rate_init": 0.5, "warmup_epochs": 1.0}
    assert repair.reason == "the loss exploded"


def test_a_new_start_gives_up_all_epochs_and_has_all_changes():
    repairer, training = called(found("unscaled_input", scale_input="standard"), changes={"alpha": 1.0})
    assert training.begun_anew == repairer.changes == {"alpha": 1.0, "scale_input": "standard"}
    (repair,) = repairer.repairs
    assert (repair.action, repair.code, repair.epoch, repair.kept) == ("restructure", "unscaled_input", 4, 0)
    assert repair.losses.tolist() == [0.5, 0.4, 0.3, 9.0]
    assert repair.change == {"scale_input": "standard"}


def test_a_fit_that_ended_is_restarted_for_what_its_diagnosis_says():
    diagnosis = Diagnosis((Finding("exploding_step", 0, {}, "", ""), Finding("underfitting", 0, {}, "", "")), "killed")
    repairer, training = called(diagnosis, verdict=ENDED)
    (repair,) = repairer.repairs
    assert (repair.action, repair.code, repair.kept) == ("restart", "exploding_step", 0)
    assert repair.reason == str(diagnosis)
    assert training.begun_anew == {"learning_rate_init": 0.1, "warmup_epochs": 1.0}


def test_a_fit_that_ended_well_is_left_alone():
    repairer, training = called(NOTHING, verdict=ENDED)
    assert (repairer.repairs, repairer.changes, vars(training)) == ([], {}, {"failed": False})


@pytest.mark.parametrize(
    ("verdict", "summary"),
    [
        (ENDED, "healthy: ended after 4 epochs"),
        (FAILED, "diverged: the loss exploded; no rule explains it"),
        (Verdict("stalled", "a layer is dead"), "stalled: a layer is dead; no rule explains it"),
    ],
)
def test_a_diagnosis_without_a_finding(verdict, summary):
    assert str(examine(record([0.1] * 4, verdict), rules=[])) == summary


@pytest.mark.parametrize(
    ("skips", "reason"), [(1, "1 step with a loss spike was skipped"), (2, "2 steps with loss spikes were skipped")]
)
def test_the_account_sums_up_skipped_steps(skips, reason):
    training = SimpleNamespace(state={"skips": np.array([skips])}, epoch=7)
    *_, last = repairer("rewind").account(training)
    assert (last.action, last.code, last.epoch, last.kept) == ("skip", "loss_spike", 7, 7)
    assert last.reason.startswith(reason)
    assert len(repairer("rewind").account(SimpleNamespace(state={"skips": np.array([0])}, epoch=7))) == 1
