"""Every threshold of the rules, just below and just above: a number that was tuned is pinned here."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from bpmodel import Verdict
from bpmodel.diagnosis.evidence import Record, Scales, scales, symmetric_layer
from bpmodel.diagnosis.rules import RULES

RULE = {rule.code: rule for rule in RULES}
HEALTHY_SCALES = {
    "input_std": 1.0,
    "input_least_std": 1.0,
    "input_mean": 0.0,
    "input_tail": 5.0,
    "target_std": 1.0,
    "target_mean": 0.0,
    "target_spread": 1.0,
    "target_tail": 5.0,
    "least_class": 1.0,
}
HEALTHY_PROBES = {
    "epoch": [0, 20],
    "delta_norm": [[1.0, 1.0, 1.0]] * 2,
    "chi": [[1.0, 1.0, 1.0]] * 2,
    "dead": [[0.0, 0.0, 0.0]] * 2,
    "saturated": [[0.0, 0.0, 0.0]] * 2,
    "weight_norm": [[1.0, 1.0, 1.0]] * 2,
    "step_ratio": [[np.nan] * 3, [1e-3] * 3],
}
"""Of two hidden layers, before the first step and after 20 epochs."""


def record(
    loss=(1.0,) * 20,
    *,
    validation=None,
    score=None,
    spikes=(),
    verdict=None,
    baseline=1.0,
    first_loss=1.0,
    activations=("relu", "relu"),
    units=(5, 8, 8, 1),
    probes=None,
    **numbers,
):
    """Return a fit that learned nothing and shows nothing; `numbers` are scales, or else options."""
    seen = {name: numbers.pop(name) for name in HEALTHY_SCALES if name in numbers}
    history = {"loss": np.array(loss), "spikes": np.zeros(len(loss))}
    history["spikes"][list(spikes)] = 1
    if validation is not None:
        history["validation_loss"] = np.array(validation)
    if score is not None:
        history["validation_score"] = np.array(score)
    return Record(
        options=numbers,
        verdict=verdict or Verdict("ok", "ended after 20 epochs"),
        history=history,
        probes={name: np.array(value) for name, value in (HEALTHY_PROBES | (probes or {})).items()},
        scales=Scales(**HEALTHY_SCALES | seen),
        activations=list(activations),
        units=list(units),
        baseline=baseline,
        first_loss=first_loss,
    )


def flat(loss, **numbers):
    return record([loss] * 20, **numbers)


def chi(value, **numbers):
    return record(probes={"chi": [[value, value, 1.0]] * 2} | numbers.pop("probes", {}), **numbers)


def many_layers(value):
    """Return a fit from far away of eight hidden layers: the product of the roots of chi is its fourth power."""
    return record(probes={"chi": [[value] * 8 + [1.0]]}, first_loss=11.0)


def depth(ratio):
    return {"delta_norm": [[ratio, ratio, 1.0]] * 2}


def hidden(name, value):
    """Return probes with a signal of the first hidden layer, after the first step."""
    return {name: [[0.0] * 3, [value, 0.0, 0.0]]}


def killed(before=0.0, after=0.9, step=0.1, **probes):
    dead = [[before, 0.0, 0.0], [after, 0.0, 0.0]]
    return record(probes={"dead": dead, "step_ratio": [[np.nan] * 3, [step, 1e-3, 1e-3]]} | probes)


def shrunk(norm, **numbers):
    probes = {"weight_norm": [[1.0] * 3, [norm, 1.0, 1.0]]} | numbers.pop("probes", {})
    return record(probes=probes, **numbers)


def spiked(peak=3.0, epochs=5, after=1.06, length=20):
    """Return a fit whose loss jumps after five epochs and comes back some epochs later."""
    loss = np.ones(length)
    loss[5], loss[6 : 5 + epochs] = peak, after
    return record(loss, spikes=[5])


def zigzag(swing, *, straight=0, length=20, middle=1.0, **more):
    """Return a loss that goes up and down by `swing`, but for its last epochs, which do not turn."""
    signs = np.where(np.arange(length - 1) % 2, 1.0, -1.0)
    if straight:
        signs[-straight:] = signs[-straight - 1]
    loss = np.cumsum(np.append(0.0, signs)) * swing
    return record(loss - loss[length // 2 :].mean() + middle, **more)


def over(best, last, *, training=0.1, fell=0.5):
    validation = np.linspace(1.0, best, 10).tolist() + np.linspace(best, last, 11)[1:].tolist()
    score = None if fell is None else [fell] * 10 + [0.0] * 10
    return record([training] * 20, validation=validation, score=score)


def scored(score):
    """Return a fit whose validation loss rises, with this validation score."""
    fit = over(0.5, 1.0)
    return replace(fit, history={**fit.history, "validation_score": np.array(score)})


def stuck(validation, training=0.1):
    return record([training] * 20, validation=[validation] * 20)


# threshold: code of the rule, a fit without the finding, one with it
THRESHOLDS = {
    "input std 10": ("unscaled_input", record(input_std=10.0), record(input_std=10.01)),
    "input std 0.05": ("unscaled_input", record(input_std=0.05), record(input_std=0.0499)),
    "input mean 3": ("unscaled_input", record(input_mean=3.0), record(input_mean=3.01)),
    "learned 0.5, inputs": ("unscaled_input", flat(0.499, input_std=20.0), flat(0.5, input_std=20.0)),
    "target std 10": ("unscaled_target", record(target_std=10.0), record(target_std=10.01)),
    "target std 0.05": ("unscaled_target", record(target_std=0.05), record(target_std=0.0499)),
    "target std above 0": ("unscaled_target", record(target_std=0.0), record(target_std=1e-6)),
    "target mean 10 deviations": ("unscaled_target", record(target_mean=10.0), record(target_mean=10.01)),
    "target mean of a small deviation": (
        "unscaled_target",
        record(target_std=0.06, target_mean=1.0),
        record(target_std=0.06, target_mean=1.01),
    ),
    "learned 0.5, target": ("unscaled_target", flat(0.499, target_std=20.0), flat(0.5, target_std=20.0)),
    "target, scaled already": ("unscaled_target", record(target_std=20.0, scale_target=True), record(target_std=20.0)),
    "outliers beyond 30": ("outliers", record(target_tail=30.0), record(target_tail=30.01)),
    "outliers, usual loss": ("outliers", flat(0.249, target_tail=50.0), flat(0.25, target_tail=50.0)),
    "outliers, at most the dummy's": (
        "outliers",
        flat(0.499, target_tail=50.0, target_spread=9.0),
        flat(0.5, target_tail=50.0, target_spread=9.0),
    ),
    "outliers, usual loss of a narrow target": (
        "outliers",
        flat(0.0624, target_tail=50.0, target_spread=0.5),
        flat(0.0626, target_tail=50.0, target_spread=0.5),
    ),
    "outliers, squared error only": (
        "outliers",
        replace(record(target_tail=50.0), options={"loss": "huber"}),
        record(target_tail=50.0),
    ),
    "class of 5 percent": ("class_imbalance", record(least_class=0.05), record(least_class=0.0499)),
    "learned 0.5, classes": ("class_imbalance", flat(0.499, least_class=0.01), flat(0.5, least_class=0.01)),
    "classes, weighted already": (
        "class_imbalance",
        record(least_class=0.01, class_weight="balanced"),
        record(least_class=0.01),
    ),
    "no signal 0.95": ("no_signal", stuck(0.949), stuck(0.95)),
    "no signal at any time": (
        "no_signal",
        record([0.1] * 20, validation=[0.949] + [1.0] * 19),
        record([0.1] * 20, validation=[0.951] + [1.0] * 19),
    ),
    "no signal, training 0.5": ("no_signal", stuck(1.0, 0.501), stuck(1.0, 0.5)),
    "chi product 10": ("exploding_depth", chi(9.99, probes=depth(20.0)), chi(10.01, probes=depth(20.0))),
    "depth ratio 10": ("exploding_depth", chi(16.0, probes=depth(10.0)), chi(16.0, probes=depth(10.01))),
    "far start 10": ("exploding_depth", chi(16.0, first_loss=10.0), chi(16.0, first_loss=10.01)),
    "chi 2 of a far start": ("exploding_depth", chi(1.99, first_loss=11.0), chi(2.01, first_loss=11.0)),
    "chi product 10 of a far start": ("exploding_depth", many_layers(1.7), many_layers(1.9)),
    "chi before the first step": (
        "exploding_depth",
        chi(16.0, first_loss=11.0, probes={"chi": [[1.0, 1.0, 1.0], [16.0, 16.0, 16.0]]}),
        chi(16.0, first_loss=11.0, probes={"chi": [[16.0, 16.0, 1.0], [1.0, 1.0, 1.0]]}),
    ),
    "chi 2 on average of logarithms": (
        "exploding_depth",
        record(probes={"chi": [[3.9, 1.0, 1.0]]}, first_loss=11.0),
        record(probes={"chi": [[4.1, 1.0, 1.0]]}, first_loss=11.0),
    ),
    "learned 0.5, depth": (
        "exploding_depth",
        chi(16.0, first_loss=11.0, loss=[0.499] * 20),
        chi(16.0, first_loss=11.0, loss=[0.5] * 20),
    ),
    "depth ratio 100 of batches": (
        "exploding_depth",
        record(probes=depth(100.0), normalization="batch"),
        record(probes=depth(100.1), normalization="batch"),
    ),
    "learned 0.2 with batches": (
        "exploding_depth",
        flat(0.199, probes=depth(200.0), normalization="batch"),
        flat(0.2, probes=depth(200.0), normalization="batch"),
    ),
    "derivatives of a hundredth": (
        "vanishing_gradient",
        record(probes=depth(0.01)),
        record(probes=depth(0.0099)),
    ),
    "vanishing, not of dead layers": (
        "vanishing_gradient",
        record(probes=depth(0.001) | {"dead": [[0.91, 0.0, 0.0]] * 2}),
        record(probes=depth(0.001) | {"dead": [[0.9, 0.0, 0.0]] * 2}),
    ),
    "vanishing, dead later or at the output": (
        "vanishing_gradient",
        record(probes=depth(0.001) | {"dead": [[0.0, 0.95, 0.0], [0.0, 0.0, 0.0]]}),
        record(probes=depth(0.001) | {"dead": [[0.0, 0.0, 0.95], [0.95, 0.0, 0.0]]}),
    ),
    "half of the units saturated": (
        "saturated_units",
        record(activations=("tanh", "tanh"), probes=hidden("saturated", 0.499)),
        record(activations=("tanh", "tanh"), probes=hidden("saturated", 0.5)),
    ),
    "saturated, S-shaped only": (
        "saturated_units",
        record(activations=("relu", "tanh"), probes=hidden("saturated", 0.9)),
        record(activations=("logistic", "relu"), probes=hidden("saturated", 0.9)),
    ),
    "half of the units dead": (
        "dead_units",
        record(probes=hidden("dead", 0.499)),
        record(probes=hidden("dead", 0.5)),
    ),
    "dead, without much dropout": (
        "dead_units",
        record(probes=hidden("dead", 0.9), dropout=0.51),
        record(probes=hidden("dead", 0.9), dropout=0.5),
    ),
    "dead, not of weights that shrank": (
        "dead_units",
        shrunk(0.499, probes=hidden("dead", 0.9)),
        shrunk(0.5, probes=hidden("dead", 0.9)),
    ),
    "killed, a fifth before": ("exploding_step", killed(before=0.2), killed(before=0.199)),
    "killed, half after": ("exploding_step", killed(after=0.5), killed(after=0.501)),
    "killed by steps of 0.02": ("exploding_step", killed(step=0.02), killed(step=0.0201)),
    "killed, not where derivatives vanished": ("exploding_step", killed(**depth(0.0099)), killed(**depth(0.01))),
    "killed, not by weights that shrank": (
        "exploding_step",
        killed(weight_norm=[[1.0] * 3, [0.499, 1.0, 1.0]]),
        killed(weight_norm=[[1.0] * 3, [0.5, 1.0, 1.0]]),
    ),
    "spike of a half": ("loss_spike", spiked(peak=1.499, after=1.499), spiked(peak=1.5, after=1.5)),
    "spike, come back to 1.05": ("loss_spike", spiked(after=1.05), spiked(after=1.051)),
    "spike, three epochs": ("loss_spike", spiked(epochs=2), spiked(epochs=3)),
    "spike, no way back": ("loss_spike", spiked(length=7, after=3.0), spiked(length=8, after=3.0)),
    "spike, a tenth of the epochs": ("loss_spike", spiked(epochs=5, length=60), spiked(epochs=6, length=60)),
    "spike, not in the first epoch": (
        "loss_spike",
        record([3.0, 3.0, 3.0, 3.0, *[1.0] * 16], spikes=[0]),
        spiked(),
    ),
    "zigzag of half the epochs": ("oscillating", zigzag(0.1, straight=5), zigzag(0.1, straight=4)),
    "zigzag of 0.05": ("oscillating", zigzag(0.0499), zigzag(0.0501)),
    "zigzag, steps down are no turns": ("oscillating", record(5.0 - np.arange(20) // 2 * 0.5), zigzag(0.5, middle=5.0)),
    "zigzag of 8 epochs": ("oscillating", zigzag(0.2, length=14), zigzag(0.2, length=15)),
    "zigzag of 0.02 dummy's": (
        "oscillating",
        zigzag(0.0199, middle=0.1, validation=[1.0] * 20),
        zigzag(0.0201, middle=0.1, validation=[1.0] * 20),
    ),
    "slow in every layer": (
        "slow_convergence",
        record([1.0, 0.9], probes={"step_ratio": [[np.nan] * 3, [1e-5, 1e-3, 1e-5]]}),
        record([1.0, 0.9], probes={"step_ratio": [[np.nan] * 3, [1e-5, 1e-4, 1e-5]]}),
    ),
    "slow in two epochs": (
        "slow_convergence",
        record([1.0], probes={"step_ratio": [[np.nan] * 3, [1e-5] * 3]}),
        record([1.0, 0.9], probes={"step_ratio": [[np.nan] * 3, [1e-5] * 3]}),
    ),
    "steps of a ten-thousandth": (
        "slow_convergence",
        record(np.linspace(1.0, 0.9, 20), probes={"step_ratio": [[np.nan] * 3, [1.01e-4] * 3]}),
        record(np.linspace(1.0, 0.9, 20), probes={"step_ratio": [[np.nan] * 3, [1e-4] * 3]}),
    ),
    "slow, but falling": (
        "slow_convergence",
        record(probes={"step_ratio": [[np.nan] * 3, [1e-5] * 3]}),
        record(np.linspace(1.0, 0.999, 20), probes={"step_ratio": [[np.nan] * 3, [1e-5] * 3]}),
    ),
    "overfitting by a fifth of the dummy's": ("overfitting", over(0.3, 0.499), over(0.3, 0.5)),
    "overfitting, once below 0.95": ("overfitting", over(0.951, 1.5), over(0.95, 1.5)),
    "overfitting, training 0.5": ("overfitting", over(0.6, 1.0, training=0.501), over(0.6, 1.0, training=0.5)),
    "overfitting, score 0.1": ("overfitting", over(0.5, 1.0, fell=0.099), over(0.5, 1.0, fell=0.1)),
    "overfitting, score at the end": ("overfitting", scored([0.4] * 18 + [0.4, 0.3]), scored([0.4] * 18 + [0.3, 0.3])),
    "overfitting, no score": ("overfitting", scored([0.4] * 20), over(0.5, 1.0, fell=None)),
    "underfitting from two epochs on": ("underfitting", record([1.0]), record([1.0, 1.0])),
    "underfitting 0.6": ("underfitting", flat(0.599), flat(0.6)),
    "linear 0.1": (
        "underfitting",
        flat(0.099, activations=("identity", "identity")),
        flat(0.1, activations=("identity", "identity")),
    ),
    "linear in every layer": (
        "underfitting",
        flat(0.2, activations=("identity", "relu")),
        flat(0.2, activations=("identity", "identity")),
    ),
    "layer of two units": ("underfitting", flat(0.2, units=(5, 8, 3, 1)), flat(0.2, units=(5, 8, 2, 1))),
    "weights of a half": (
        "underfitting",
        shrunk(0.5, loss=[0.2] * 20, alpha=1.0),
        shrunk(0.499, loss=[0.2] * 20, alpha=1.0),
    ),
    "a penalty to lower": (
        "underfitting",
        shrunk(0.4, loss=[0.2] * 20, alpha=1e-4),
        shrunk(0.4, loss=[0.2] * 20, alpha=1.1e-4),
    ),
    "a penalty and nothing learned": (
        "underfitting",
        shrunk(0.4, loss=[0.949] * 20, validation=[0.9] * 20, alpha=1.0),
        shrunk(0.4, loss=[0.95] * 20, validation=[0.9] * 20, alpha=1.0),
    ),
    "a penalty that lets the validation loss rise": (
        "underfitting",
        shrunk(0.4, loss=[0.6] * 20, validation=[0.25] * 18 + [0.449] * 2, alpha=1.0),
        shrunk(0.4, loss=[0.6] * 20, validation=[0.25] * 18 + [0.45] * 2, alpha=1.0),
    ),
    "noise keeps the loss high": (
        "underfitting",
        record([0.949] * 20, validation=[0.9] * 20),
        record([0.95] * 20, validation=[0.9] * 20),
    ),
    "linear, and no memory of rows": (
        "underfitting",
        record([0.5] * 20, validation=[0.551] * 20, activations=("identity", "identity")),
        record([0.5] * 20, validation=[0.55] * 20, activations=("identity", "identity")),
    ),
    "a layer of two units, and no memory of rows": (
        "underfitting",
        record([0.5] * 20, validation=[0.551] * 20, units=(5, 8, 2, 1)),
        record([0.5] * 20, validation=[0.55] * 20, units=(5, 8, 2, 1)),
    ),
    "a larger network than there is": (
        "underfitting",
        flat(0.2, units=(5, 198, 2, 1)),
        flat(0.2, units=(5, 197, 2, 1)),
    ),
}


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_threshold(threshold):
    code, without, found = THRESHOLDS[threshold]
    assert RULE[code](without) is None
    finding = RULE[code](found)
    assert finding is not None
    assert finding.code == code


@pytest.mark.parametrize("code", RULE)
def test_every_rule_has_a_threshold(code):
    assert code in {code for code, *_ in THRESHOLDS.values()} | {"symmetric_init"}


FOUND = {code: found for code, _, found in THRESHOLDS.values()} | {"symmetric_init": replace(record(), symmetric=1)}
ONLY_IF_NOTHING_WAS_LEARNED = FOUND | {"exploding_depth": chi(16.0, first_loss=30.0), "oscillating": zigzag(0.1)}
for code in ("outliers", "symmetric_init", "no_signal", "overfitting", "underfitting"):
    del ONLY_IF_NOTHING_WAS_LEARNED[code]
WHERE_IT_DIVERGED = {
    "unscaled_input",
    "outliers",
    "unscaled_target",
    "symmetric_init",
    "exploding_depth",
    "exploding_step",
}


@pytest.mark.parametrize("code", ONLY_IF_NOTHING_WAS_LEARNED)
def test_what_harms_nothing_is_not_told(code):
    """A loss just below half of the dummy predictor's was learned; just above it was not."""
    fit = ONLY_IF_NOTHING_WAS_LEARNED[code]
    loss = np.median(fit.loss[-2:])
    assert RULE[code](replace(fit, baseline=2.02 * loss)) is None
    assert RULE[code](replace(fit, baseline=1.98 * loss)) is not None


@pytest.mark.parametrize("code", RULE)
def test_a_fit_that_diverged_is_told_of_its_causes_only(code):
    verdict = Verdict("diverged", "the loss exploded", 3, 31, {"ratio": 123.0})
    assert (RULE[code](replace(FOUND[code], verdict=verdict)) is not None) is (code in WHERE_IT_DIVERGED)


# code of the rule, a fit, and the options that its remedy changes
REMEDIES = [
    ("unscaled_input", record(input_std=20.0, input_tail=30.0), {"scale_input": "standard"}),
    ("unscaled_input", record(input_std=20.0, input_tail=30.1), {"scale_input": "robust"}),
    ("exploding_depth", chi(16.0, first_loss=11.0, init_gain=1.0), {"normalization": "layer"}),
    ("exploding_depth", chi(16.0, first_loss=11.0, init_gain=1.1), {"init": "auto", "init_gain": 1.0}),
    ("exploding_depth", chi(16.0, first_loss=11.0, init="he_normal"), {"init": "auto", "init_gain": 1.0}),
    ("symmetric_init", replace(record(), symmetric=2), {"init": "auto", "init_gain": 1.0}),
    ("vanishing_gradient", record(probes=depth(0.001)), {"activation": "relu", "init": "auto", "init_gain": 1.0}),
    ("saturated_units", THRESHOLDS["half of the units saturated"][2], {"init": "auto", "init_gain": 1.0}),
    ("exploding_step", killed(), {"learning_rate_init": 1e-4}),
    ("loss_spike", replace(spiked(), options={"clipping": "median"}), {"learning_rate_init": 1e-4}),
    ("dead_units", record(probes=hidden("dead", 0.9)), {"activation": "leaky_relu", "learning_rate_init": 1e-4}),
    ("loss_spike", spiked(), {"clipping": "median"}),
    ("oscillating", zigzag(0.2), {"learning_rate_init": 1e-4}),
    ("slow_convergence", THRESHOLDS["slow, but falling"][2], {"learning_rate_init": 0.1}),
    ("overfitting", over(0.5, 1.0), {"early_stopping": True, "alpha": 0.01}),
    ("overfitting", replace(over(0.5, 1.0), options={"alpha": 0.3}), {"early_stopping": True, "alpha": 3.0}),
    ("underfitting", flat(1.0, activations=("identity", "identity")), {"activation": "relu"}),
    ("underfitting", flat(1.0, units=(5, 8, 2, 1)), {"hidden_layer_sizes": (100, 100)}),
    ("overfitting", replace(over(0.5, 1.0), options={"early_stopping": True}), {"alpha": 0.01}),
    (
        "underfitting",
        shrunk(0.4, alpha=1.0, l1=0.1, weight_decay=0.1),
        {"alpha": 1e-4, "l1": 0.0, "weight_decay": 0.0},
    ),
    ("underfitting", shrunk(0.4, alpha=1.0), {"alpha": 1e-4}),
    ("underfitting", shrunk(0.4, weight_decay=0.1), {"weight_decay": 0.0}),
    ("underfitting", flat(1.0), {"hidden_layer_sizes": (100, 100), "max_iter": 200}),
    ("underfitting", flat(1.0, units=(5, 200, 1)), {"max_iter": 200}),
    (
        "underfitting",
        record([1.0] * 60, alpha=1.0, dropout=0.5),
        {"hidden_layer_sizes": (100, 100), "alpha": 1e-4, "dropout": 0.0, "max_iter": 240},
    ),
]


@pytest.mark.parametrize(("code", "fit", "change"), REMEDIES)
def test_remedy(code, fit, change):
    near = {name: pytest.approx(value) if isinstance(value, float) else value for name, value in change.items()}
    finding = RULE[code](fit)
    assert finding.change == near
    if "learning_rate_init" in change:
        assert f"learning_rate_init={change['learning_rate_init']:g}" in finding.remedy


EPOCHS = {
    "exploding_step": 20,
    "saturated_units": 20,
    "dead_units": 20,
    "loss_spike": 6,
    "oscillating": 10,
    "slow_convergence": 20,
    "no_signal": 1,
    "overfitting": 10,
    "underfitting": 20,
}
"""Where a finding is first seen; all others are there before the first step."""


@pytest.mark.parametrize("code", RULE)
def test_epoch(code):
    assert RULE[code](FOUND[code]).epoch == EPOCHS.get(code, 0)


def test_a_step_that_diverged_is_told_with_its_ratio():
    verdict = Verdict("diverged", "the loss exploded", 3, 31, {"ratio": 123.0})
    finding = RULE["exploding_step"](record(verdict=verdict))
    assert (finding.epoch, finding.evidence["loss_to_dummy"]) == (3, 123.0)
    assert RULE["exploding_step"](record(verdict=verdict, solver="lbfgs")) is None


@pytest.mark.parametrize("layers", [0, 1])
def test_networks_of_which_little_is_known(layers):
    """Without probes, and without a hidden layer, only the loss counts."""
    probes = {name: np.ones((2 * layers, 1)) for name in HEALTHY_PROBES} | {"epoch": np.zeros(2 * layers, dtype=int)}
    fit = record(probes=probes, units=(5, 1), activations=())
    assert [rule.code for rule in RULES if rule(fit)] == ["underfitting"]


def test_a_spike_in_the_first_epoch_hides_no_later_one():
    loss = [*[1.0] * 5, 3.0, *[1.5] * 6, *[1.0] * 8]
    assert RULE["loss_spike"](record(loss, spikes=[0, 5])).epoch == 6
    assert RULE["loss_spike"](record(loss, spikes=[0])) is None


def test_units_are_told_as_killed_at_the_first_probe_where_most_are():
    share = np.array([[0.1], [0.5], [0.6], [0.9], [0.8]]) * [1, 0, 0]
    probes = {"epoch": [0, 1, 2, 4, 8], "dead": share, "saturated": 0 * share}
    finding = RULE["exploding_step"](record(probes=probes | {"step_ratio": [[np.nan] * 3, [1e-3, 0.1, np.nan]]}))
    assert finding.epoch == 2
    assert finding.evidence == {"learning_rate": 1e-3, "step_to_weight": 0.1, "share_of_lost_units": 0.8}
    assert finding.cause.endswith(", until most units of a layer were dead or saturated.")


def test_evidence_of_rules_on_layers_and_data():
    assert RULE["vanishing_gradient"](record(probes=depth(0.001))).evidence == {
        "ratio_first_to_last_layer": 0.001,
        "layers": 3.0,
    }
    assert RULE["symmetric_init"](FOUND["symmetric_init"]).evidence == {"hidden_layer": 1.0}
    assert RULE["no_signal"](replace(stuck(1.9), baseline=2.0)).evidence == pytest.approx(
        {"least_validation_loss_to_dummy": 0.95, "training_to_dummy": 0.05}
    )
    assert RULE["unscaled_target"](record(target_std=20.0, target_mean=7.0, first_loss=5.0)).evidence == {
        "std": 20.0,
        "mean": 7.0,
        "first_loss": 5.0,
        "dummy_loss": 1.0,
    }
    assert RULE["dead_units"](record(probes=hidden("dead", 0.75))).evidence["share_of_dead_units"] == 0.75


@pytest.mark.parametrize(("after", "lost"), [([2.0, 0.84], 2), ([2.0, 2.0, 0.84], 3), ([2.0, 2.0, 0.841], 13)])
def test_the_worst_spike_counts_against_the_best_loss_before(after, lost):
    """Two spikes, of 2 and 4 times the least loss before; the worse one is over at 1.05 times that, 0.8, or never."""
    loss = np.array([1.0, 0.8, 1.0, 1.6, 0.8, 0.8, 0.9, 3.2, *after])
    fit = record([*loss, *[1.0] * (20 - len(loss))], spikes=[3, 7])
    fit.history["spikes"][3] = 2
    finding = RULE["loss_spike"](fit)
    if lost < 3:
        assert finding is None
    else:
        assert finding.epoch == 8
        assert finding.evidence == {"steps": 3.0, "loss_to_best_before": pytest.approx(4.0), "epochs_lost": lost}


# ------------------------------------------------------------------------------------------------- what they are made from


def test_the_share_at_the_end_is_the_median_of_a_tenth():
    losses = np.ones(40)
    losses[-4:] = [9.0, 0.2, 0.4, 0.3]
    assert record(losses).final_share == pytest.approx(0.35)
    assert record([*losses[:-1], np.inf]).final_share == np.inf


def test_the_share_at_the_end_is_the_last_loss_of_few_and_infinite_where_it_diverged():
    assert record([1.0] * 18 + [0.2]).final_share == pytest.approx(0.2)
    assert record([1.0] * 18 + [0.4, 0.2]).final_share == pytest.approx(0.3)
    assert record([0.1] * 20, verdict=Verdict("diverged", "the loss exploded")).final_share == np.inf


@pytest.mark.parametrize(("dead", "flat", "lost"), [(0.1, 0.5, 0.5), (0.6, 0.5, 0.6), (0.1, 0.2, 0.3)])
def test_units_are_lost_that_are_dead_or_if_s_shaped_saturated(dead, flat, lost):
    """Of tanh and of a rectifier, of which 0.3 are dead; saturated rectifiers, and the output layer, do not count."""
    probes = {"epoch": [0], "dead": [[dead, 0.3, 1.0]], "saturated": [[flat, 0.9, 1.0]]}
    assert record(activations=("tanh", "relu"), probes=probes).lost_units == pytest.approx([lost])


def test_derivatives_count_before_the_first_step_and_hidden_weights_only():
    assert record(probes={"delta_norm": [[0.02, 5.0, 4.0], [9.0, 9.0, 1.0]]}).depth_ratio == pytest.approx(0.005)
    assert not record(probes={"weight_norm": [[1.0, 1.0, 1.0], [1.0, 1.0, 0.1]]}).shrunk
    assert record(probes={"weight_norm": [[1.0, 1.0, 1.0], [1.0, 0.1, 1.0]]}).shrunk


def test_validation_losses_count_if_all_are_known():
    assert record([0.1] * 20, validation=[np.nan] + [0.7] * 19).worst_share == pytest.approx(0.1)
    assert record([0.1] * 20, validation=[9.0] + [0.7] * 19).worst_share == pytest.approx(0.7)


def test_the_worst_share_is_that_of_validation_rows():
    assert record([0.1] * 20, validation=[0.7] * 20).worst_share == pytest.approx(0.7)
    assert record([0.8] * 20, validation=[0.7] * 20).worst_share == pytest.approx(0.8)


@pytest.mark.parametrize(("spread", "layer"), [(0.99e-4, 1), (1.01e-4, 0)])
def test_units_are_alike_up_to_rounding(spread, layer):
    matrix = np.ones((3, 2))
    matrix[0, 0] -= spread
    assert symmetric_layer([matrix, np.ones((2, 1))]) == layer


def test_a_layer_of_one_unit_is_not_symmetric():
    assert symmetric_layer([np.ones((3, 1)), np.ones((1, 2)), np.ones((2, 1))]) == 2
    assert symmetric_layer([np.ones((3, 1)), np.ones((1, 1))]) == 0


def test_units_are_columns_and_outputs_are_no_units():
    alike, last = np.array([[1.0, 1.0], [5.0, 5.0]]), np.ones((2, 2))
    assert symmetric_layer([alike, last]) == 1
    assert symmetric_layer([alike.T, last]) == 0
    assert symmetric_layer([np.zeros((3, 2)), last]) == 1


def test_scales_of_a_normal_target():
    """The interquartile range of a normal distribution is 1.349 standard deviations."""
    y = 7 * np.random.default_rng(0).normal(size=(2000, 1))
    seen = scales(np.ones((2000, 2)), y, np.arange(2000), False)
    low, middle, high = (np.sort(y[:500], axis=0)[(500 - 1) * k // 4, 0] for k in (1, 2, 3))
    assert seen.target_spread == pytest.approx((high - low) / 1.35)
    assert seen.target_spread == pytest.approx(7, rel=0.1)
    assert seen.target_tail == pytest.approx(np.abs(y[:500] - middle).max() / (high - low))
    assert seen.input_least_std == np.inf


@pytest.mark.parametrize(("noise", "least"), [(0.5e-12, np.inf), (4e-12, 4e-12)])
def test_columns_that_are_constant_up_to_rounding_have_no_deviation(noise, least):
    X = np.array([[1.0], [-1.0]] * 50) * noise
    seen = scales(X, np.zeros((100, 1)), np.arange(100), False)
    assert seen.input_least_std == pytest.approx(least)


@pytest.mark.parametrize(("noise", "least"), [(0.5e-6, np.inf), (2e-6, 2e-6)])
def test_rounding_grows_with_the_mean(noise, least):
    """A column around a million: 1e-12 of that is a millionth."""
    X = -1e6 + np.array([[1.0], [-1.0]] * 50) * noise
    seen = scales(X, np.zeros((100, 1)), np.arange(100), False)
    assert seen.input_least_std == pytest.approx(least, rel=1e-3)
    assert seen.input_mean == pytest.approx(1e6)


@pytest.mark.parametrize(("rows", "seen"), [(100, 100), (2000, 2000), (3999, 2000), (4000, 2000)])
def test_rows_of_a_sample_are_spread_over_the_index(rows, seen):
    X = np.arange(rows, dtype=float)[:, None]
    step = max(rows // 2000, 1)
    expected = np.arange(0, rows, step)[:seen]
    assert scales(X, X, np.arange(rows), False).input_mean == pytest.approx(expected.mean())


TABLE = np.array([[0.0, 10.0], [2.0, 10.0], [4.0, 10.0], [6.0, 10.0], [100.0, 10.0]])


@pytest.mark.parametrize("wrap", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("size", [1e160, np.finfo(float).max])
def test_scales_of_the_largest_numbers_are_those_of_small_ones_in_other_units(wrap, size):
    """Their sums or squares are not finite: the deviation of such a column was NaN, and no finding named it."""
    X, y = np.array([[0.5, 1], [-1, 1], [1, 1], [0.75, 1], [-1, 1]]), np.array([[1.0], [-1], [0.5], [1], [1]])
    expected = scales(wrap(X), y, np.arange(5), False)
    seen = scales(wrap(X * [size, 1]), y * size, np.arange(5), False)
    for name in ("input_std", "target_std", "target_mean", "target_spread", "input_least_std"):
        assert getattr(seen, name) == pytest.approx(getattr(expected, name) * size), name
    assert seen.input_mean == pytest.approx(max(size * abs(X[:, 0].mean()), 1))
    assert (seen.input_tail, seen.target_tail) == pytest.approx((expected.input_tail, expected.target_tail))


@pytest.mark.parametrize("rows", [TABLE, csr_array(TABLE)], ids=["dense", "sparse"])
def test_scales_by_hand(rows):
    y = np.array([[1.0, -50.0], [1.0, -50.0], [1.0, -49.0], [2.0, -48.0], [9.0, -48.0]])
    seen = scales(rows, y, np.arange(5), False)
    assert seen.input_std == seen.input_least_std == pytest.approx(np.std(TABLE[:, 0]))
    assert seen.input_mean == pytest.approx(22.4)
    assert seen.input_tail == (96 / 4 if rows is TABLE else 0)
    assert seen.target_std == pytest.approx(np.std(y[:, 0]))
    assert seen.target_mean == pytest.approx(49.0)
    assert seen.target_tail == pytest.approx(8.0)
    assert seen.target_spread == pytest.approx(1 / 1.35)
    assert seen.least_class == 1.0


def test_columns_that_hardly_vary_have_no_tail():
    seen = scales(np.ones((5, 1)), np.ones((5, 1)), np.arange(5), False)
    assert (seen.input_tail, seen.target_tail, seen.target_spread, seen.target_std) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("labels", "least"),
    [
        ([[1.0], [0.0], [0.0], [0.0]], 0.25),
        ([[1.0], [1.0], [1.0], [0.0]], 0.25),
        ([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1.0]], 0.25),
    ],
)
def test_scales_of_classes(labels, least):
    seen = scales(np.zeros((4, 1)), np.array(labels), np.arange(4), True)
    assert seen.least_class == pytest.approx(least)
    assert (seen.target_std, seen.target_mean, seen.target_spread, seen.target_tail) == (0.0, 0.0, 0.0, 0.0)


def test_two_outputs_are_classes_of_their_own():
    """Of two labels the rarer one counts, not what is left of the more frequent one."""
    assert scales(np.zeros((4, 1)), np.array([[1, 1], [1, 1], [0, 1], [0, 1.0]]), np.arange(4), True).least_class == 0.5
