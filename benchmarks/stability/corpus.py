"""The corpus. Each row is a cell: a set, the options of a healthy fit, a fault, and the codes that explain it.

The control of a cell is the same fit without the fault, so it needs no row of its own; cells with the same set and options
share it. The table does not say whether a fault does harm: `labels` decides by its effect.

Some faults cannot be reached through the estimators and are missing: missing values in X and probabilities of a single class
(both are refused), a softmax over one output, the squared error of logits, a rectified output, gradients of the wrong sign,
and a learning rate that jumps in the middle of a fit. `A1` and `B16` to `B17` stand for schedules that go wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.stability import faults as f

NONE = "none"
"""The code of a run with no finding."""


class Cell(NamedTuple):
    """One row of the corpus.

    `base` are the options of the control; `change` is what the fault sets on top of them. `spoil` acts on the rows, `prepare`
    on the initial weights. `accept` are the codes that explain the fault, the best one first; it is empty for a healthy cell.
    """

    id: str
    data: str
    base: Mapping[str, Any]
    change: Mapping[str, Any] = {}
    accept: tuple[str, ...] = ()
    spoil: f.Spoil | None = None
    prepare: f.Prepare | None = None
    note: str = ""
    """more about the fault"""

    @property
    def healthy(self) -> bool:
        return not self.accept

    @property
    def control(self) -> Cell:
        """The same cell without the fault."""
        return Cell(f"control of {self.id}", self.data, self.base)


def sgd(*units: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_layer_sizes": units or (32, 32),
        "solver": "sgd",
        "learning_rate_init": 0.01,
        "batch_size": 32,
        "max_iter": 60,
        "alpha": 0.0,  # the recorded losses include the penalty, which would mislead the labels
        **more,
    }


def adam(*units: int, **more: Any) -> dict[str, Any]:
    return sgd(*units, **{"solver": "adam", "learning_rate_init": 0.003, **more})


SHORT = {"max_iter": 25}
"""Options of healthy fits on sets so small that a network soon overfits them."""


def rate(value: float) -> dict[str, Any]:
    return {"learning_rate_init": value}


STEP = ("exploding_step", "dead_units")
JUMPY = ("exploding_step", "oscillating", "dead_units")
DEPTH = ("exploding_depth",)
FLAT = ("exploding_depth", "saturated_units")
VANISH = ("vanishing_gradient",)
SMALL = ("vanishing_gradient", "symmetric_init", "slow_convergence")
ALIKE = ("symmetric_init", "dead_units", "vanishing_gradient")
INPUT = ("unscaled_input",)
TARGET = ("unscaled_target",)
WEAK = ("underfitting",)
SLOW = ("slow_convergence", "underfitting")
LEARNED_BY_HEART = ("overfitting", "no_signal")

HEALTHY = (
    Cell("H1", "digits", sgd()),
    Cell("H2", "digits", adam()),
    Cell("H3", "breast_cancer", adam(activation="tanh", **SHORT)),
    Cell("H4", "wine", adam()),
    Cell("H5", "friedman1", sgd()),
    Cell("H6", "friedman1", adam()),
    Cell("H7", "diabetes", adam(activation="tanh", learning_rate_init=0.001)),
    Cell("H8", "skewed", adam(96, 96, 96, activation="mish", learning_rate_init=0.01, learning_rate="coslog4")),
    Cell("H9", "friedman2", adam(scale_target=True), spoil=lambda rows: rows._replace(y=rows.target_in_units)),
    Cell("H10", "friedman1", sgd(batch_size=280, max_iter=200, learning_rate_init=0.05)),
    Cell("H11", "digits", sgd(batch_size=8)),
    Cell("H12", "digits", sgd(), spoil=f.sorted_rows),
    Cell("H13", "moons", adam(activation="tanh")),
    Cell("H14", "friedman3", adam()),
    Cell("H15", "counts", adam(loss="poisson")),
    Cell("H16", "iris", adam()),
    Cell("H17", "digits", adam(64, 64, 64, normalization="batch", dropout=0.1)),
    Cell("H18", "friedman1", adam(32, 32, 32, 32, 32, 32, activation="selu", learning_rate_init=0.001)),
    Cell("H19", "friedman1", sgd(loss="huber")),
    Cell("H20", "clusters", adam(solver="rmsprop", learning_rate_init=0.001)),
    Cell("H21", "two_classes", sgd(activation="logistic", learning_rate_init=0.1)),
    Cell("H22", "breast_cancer", sgd(100, learning_rate="one_cycle", learning_rate_init=0.05)),
)

STEPS = (
    Cell("A1", "friedman1", sgd(), {"learning_rate": "one_cycle", **rate(3.0)}, STEP),
    Cell("B1", "friedman1", sgd(), rate(0.3), JUMPY),
    Cell("B2", "friedman1", sgd(), rate(1.0), STEP),
    Cell("B3", "friedman1", sgd(), rate(10.0), STEP),
    Cell("B4", "digits", sgd(), rate(1.0), JUMPY),
    Cell("B5", "digits", sgd(), rate(10.0), STEP),
    Cell("B6", "friedman1", adam(), rate(0.3), JUMPY),
    Cell("B7", "digits", adam(), rate(3.0), STEP),
    Cell("B8", "friedman1", sgd(), {**rate(0.5), "momentum": 0.0}, JUMPY),
    Cell("B9", "friedman1", sgd(), {**rate(0.1), "momentum": 0.99}, ("oscillating", "exploding_step", "loss_spike")),
    Cell("B10", "friedman1", sgd(), {**rate(0.05), "batch_size": 1}, JUMPY),
    Cell("B11", "friedman1", adam(solver="rmsprop"), rate(0.5), JUMPY),
    Cell("B12", "digits", adam(solver="nadam"), rate(1.0), STEP),
    Cell("B13", "friedman1", adam(solver="adagrad", learning_rate_init=0.05), rate(10.0), JUMPY),
    Cell("B14", "skewed", sgd(), rate(1.0), STEP),
    Cell("B15", "digits", sgd(activation="tanh"), rate(10.0), (*STEP, "saturated_units")),
    Cell("B16", "digits", adam(), {"learning_rate": "cosine_restarts", **rate(1.0)}, JUMPY),
    Cell("B17", "friedman1", adam(*[32] * 8, learning_rate_init=0.02, warmup_epochs=5), {"warmup_epochs": 0}, JUMPY),
    Cell("B18", "breast_cancer", adam(solver="adamw", **SHORT), rate(3.0), JUMPY),
    Cell("B19", "clusters", sgd(), {**rate(3.0), "momentum": 0.0}, JUMPY),
    Cell("B20", "counts", sgd(loss="poisson", learning_rate_init=0.003), rate(1.0), STEP),
    Cell("B21", "friedman1", adam(solver="amsgrad"), rate(1.0), STEP),
    Cell("B22", "friedman1", sgd(loss="absolute_error"), rate(3.0), JUMPY),
    Cell("B23", "friedman1", sgd(activation="selu"), rate(0.5), JUMPY),
    Cell("B24", "wine", adam(), rate(1.0), JUMPY),
    Cell(
        "B25",
        "two_classes",
        sgd(activation="logistic", learning_rate_init=0.1),
        rate(100.0),
        (*JUMPY, "saturated_units"),
    ),
    Cell("B26", "iris", sgd(), rate(3.0), JUMPY),
    Cell(
        "B27",
        "diabetes",
        adam(activation="tanh", learning_rate_init=0.001, **SHORT),
        rate(1.0),
        (*JUMPY, "saturated_units"),
    ),
)

WEIGHTS = (
    Cell("C1", "friedman1", sgd(), {"init_gain": 5.0}, DEPTH),
    Cell("C2", "friedman1", sgd(), {"init_gain": 20.0}, DEPTH),
    Cell("C3", "friedman1", sgd(activation="tanh"), {"init_gain": 10.0}, FLAT),
    Cell("C4", "friedman1", sgd(*[32] * 6), {"init_gain": 0.01}, SMALL),
    Cell("C5", "friedman1", sgd(), accept=ALIKE, prepare=f.constant_weights(0.1)),
    Cell("C6", "friedman1", sgd(), {"init_gain": 0.0}, ALIKE),
    Cell("C7", "digits", sgd(), {"init_gain": 5.6}, DEPTH),
    Cell("C8", "breast_cancer", sgd(), accept=("dead_units", "vanishing_gradient"), prepare=f.hidden_biases(-5.0)),
    Cell("C9", "friedman1", sgd(*[32] * 8), {"init_gain": 3.0}, DEPTH),
    Cell("C10", "digits", adam(*[32] * 4), {"init_gain": 10.0}, DEPTH),
    Cell("C11", "friedman1", adam(activation="elu"), {"init_gain": 8.0}, DEPTH),
    Cell("C12", "digits", sgd(*[32] * 5, activation="tanh"), {"init_gain": 0.02}, SMALL),
    Cell("C13", "digits", adam(), accept=ALIKE, prepare=f.equal_units),
    Cell("C14", "digits", sgd(), accept=ALIKE, prepare=f.constant_weights(0.05)),
    Cell("C15", "diabetes", adam(activation="tanh", **SHORT), {"init_gain": 30.0}, FLAT),
    Cell("C16", "friedman1", sgd(), accept=("dead_units", "vanishing_gradient"), prepare=f.hidden_biases(-20.0)),
)

DEPTHS = (
    Cell("D1", "friedman1", sgd(*[32] * 8), {"activation": "logistic"}, VANISH),
    Cell("D2", "digits", sgd(*[32] * 8), {"activation": "logistic"}, VANISH),
    Cell("D3", "digits", sgd(*[32] * 12, activation="tanh"), {"init_gain": 0.5}, VANISH),
    Cell("D4", "friedman1", sgd(), {"hidden_layer_sizes": (8,) * 20}, (*VANISH, "underfitting", "dead_units")),
    Cell(
        "D5",
        "clusters",
        sgd(64, 64),
        {"hidden_layer_sizes": (64,) * 30, "normalization": "batch"},
        (*DEPTH, "underfitting"),
    ),
    Cell("D6", "friedman1", sgd(), {"activation": "identity"}, WEAK),
    Cell(
        "D7",
        "breast_cancer",
        adam(32, 32, **SHORT),
        {"hidden_layer_sizes": (32,) * 14, "activation": "logistic"},
        VANISH,
    ),
    Cell("D8", "friedman1", sgd(), {"hidden_layer_sizes": (32,) * 30}, (*VANISH, "exploding_depth", "underfitting")),
    Cell(
        "D9",
        "friedman1",
        sgd(),
        {"hidden_layer_sizes": (32,) * 10, "activation": "softplus"},
        (*DEPTH, "exploding_step"),
    ),
    Cell("D10", "clusters", adam(), {"hidden_layer_sizes": (16,) * 16, "activation": "tanh", "init_gain": 0.4}, VANISH),
)

SCALES = (
    Cell("E1", "friedman1", sgd(), accept=INPUT, spoil=f.scaled_input(1000.0)),
    Cell("E2", "friedman1", sgd(), accept=INPUT, spoil=f.columns_of_many_scales),
    Cell("E3", "friedman1", sgd(), accept=INPUT, spoil=f.scaled_input(1.0, 100.0)),
    Cell("E4", "friedman1", sgd(), accept=TARGET, spoil=f.scaled_target(1000.0)),
    Cell("E5", "friedman1", sgd(), accept=TARGET, spoil=f.scaled_target(1.0, 1e4)),
    Cell("E6", "friedman2", sgd(), accept=(*INPUT, *TARGET), spoil=f.natural),
    Cell("E7", "wine", sgd(), accept=INPUT, spoil=f.natural_input),
    Cell("E8", "breast_cancer", sgd(), accept=INPUT, spoil=f.natural_input),
    Cell("E9", "diabetes", sgd(**SHORT), accept=(*TARGET, *INPUT), spoil=f.natural),
    Cell("E10", "skewed", sgd(), accept=(*INPUT, "outliers", "loss_spike"), spoil=f.heavy_tails),
    Cell("E11", "digits", adam(), accept=INPUT, spoil=f.scaled_input(1000.0)),
    Cell("E12", "friedman1", sgd(), accept=(*INPUT, *SLOW, *VANISH), spoil=f.scaled_input(0.001)),
    Cell("E13", "friedman3", sgd(), accept=INPUT, spoil=f.natural_input),
    Cell("E14", "friedman1", sgd(), accept=TARGET, spoil=f.scaled_target(0.001)),
    Cell("E15", "friedman1", adam(), accept=(*TARGET, *SLOW), spoil=f.scaled_target(1000.0)),
    Cell(
        "E16",
        "breast_cancer",
        adam(activation="tanh", **SHORT),
        accept=(*INPUT, "saturated_units"),
        spoil=f.natural_input,
    ),
    Cell("E17", "friedman1", sgd(activation="tanh"), accept=(*INPUT, "saturated_units"), spoil=f.scaled_input(1000.0)),
    Cell("E18", "clusters", sgd(), accept=INPUT, spoil=f.scaled_input(1.0, 300.0)),
    Cell("E19", "skewed", sgd(), accept=(*TARGET, *INPUT), spoil=f.natural),
)

DATA = (
    Cell("G1", "friedman1", sgd(), accept=("outliers",), spoil=f.far_targets(0.01, 100.0)),
    Cell("G2", "friedman1", sgd(), accept=("outliers",), spoil=f.cauchy_noise(1.0)),
    Cell("G3", "digits", adam(max_iter=100), accept=(*LEARNED_BY_HEART, *WEAK), spoil=f.noisy_labels(0.4)),
    Cell(
        "G4", "digits", adam(max_iter=200), accept=("no_signal", "underfitting", "overfitting"), spoil=f.shuffled_target
    ),
    Cell("G5", "two_classes", sgd(), accept=("class_imbalance",), spoil=f.rare_classes(0.03)),
    Cell("G6", "digits", sgd(), {"shuffle": False, **rate(0.1)}, (*JUMPY, "underfitting"), f.sorted_rows),
    Cell("G7", "friedman1", sgd(), accept=INPUT, spoil=f.copied_and_constant_columns),
    Cell("G8", "friedman1", sgd(), accept=("loss_spike", *INPUT, "outliers", *STEP), spoil=f.far_row(1e4)),
    Cell("G9", "friedman1", adam(max_iter=200), accept=("no_signal", "overfitting"), spoil=f.shuffled_target),
    Cell("G10", "clusters", adam(), accept=("class_imbalance",), spoil=f.rare_classes(0.02)),
    Cell("G11", "diabetes", sgd(**SHORT), accept=("outliers",), spoil=f.far_targets(0.02, 50.0)),
    Cell("G12", "digits", sgd(), accept=("loss_spike", *INPUT, "outliers", *STEP), spoil=f.far_row(1e4)),
)

CAPACITY = (
    Cell("I1", "friedman1", sgd(), {"hidden_layer_sizes": (1,)}, WEAK),
    Cell("I2", "digits", adam(256, 256), accept=LEARNED_BY_HEART, spoil=f.few_rows(40)),
    Cell(
        "I3",
        "diabetes",
        adam(activation="tanh", learning_rate_init=0.001, **SHORT),
        {"hidden_layer_sizes": (128, 128), "max_iter": 300},
        ("overfitting",),
    ),
    Cell("I4", "friedman1", sgd(), {"weight_decay": 20.0}, WEAK),
    Cell("I5", "digits", sgd(), {"dropout": 0.9}, WEAK),
    Cell("I6", "friedman1", sgd(), {"max_iter": 2, **rate(0.001)}, SLOW),
    Cell("I7", "digits", adam(), {"alpha": 10.0}, (*WEAK, *VANISH)),
    Cell("I8", "friedman1", sgd(), {"l1": 0.5}, (*WEAK, *VANISH, "dead_units")),
    Cell("I9", "digits", sgd(), {"max_norm": 0.1}, (*WEAK, *VANISH)),
    Cell("I10", "friedman1", sgd(), {"input_noise": 3.0}, WEAK),
    Cell("I11", "digits", adam(), {"hidden_layer_sizes": (1,)}, WEAK),
)

RATES = (
    Cell("J1", "friedman1", sgd(), rate(1e-6), SLOW),
    Cell("J2", "digits", adam(), rate(1e-6), SLOW),
    Cell("J3", "digits", adam(), {"epsilon": 100.0}, SLOW),
    Cell("J4", "friedman1", adam(solver="adagrad", learning_rate_init=0.05), rate(1e-4), SLOW),
    Cell("J5", "friedman1", sgd(), {"learning_rate": "exponential", "decay_rate": 0.1, "decay_epochs": 1}, SLOW),
    Cell("J6", "breast_cancer", sgd(), rate(1e-6), SLOW),
)

SEVERAL = (
    Cell("K1", "friedman1", sgd(), rate(0.3), (*INPUT, *STEP), f.scaled_input(100.0)),
    Cell("K2", "digits", sgd(*[32] * 8), {"activation": "logistic", "init_gain": 30.0}, FLAT),
    Cell(
        "K3",
        "diabetes",
        adam(activation="tanh", learning_rate_init=0.001),
        {"hidden_layer_sizes": (32,) * 12, "init_gain": 3.0, **rate(0.1)},
        (*DEPTH, *STEP),
    ),
    Cell("K4", "friedman1", sgd(), rate(1.0), (*TARGET, *STEP), f.scaled_target(100.0)),
    Cell("K5", "breast_cancer", sgd(), rate(1.0), (*INPUT, *STEP), f.natural_input),
    Cell(
        "K6",
        "digits",
        adam(*[32] * 10, activation="tanh", learning_rate_init=0.001),
        {"init_gain": 5.0, **rate(0.1)},
        (*FLAT, *STEP),
    ),
)

CORPUS: tuple[Cell, ...] = (*HEALTHY, *STEPS, *WEIGHTS, *DEPTHS, *SCALES, *DATA, *CAPACITY, *RATES, *SEVERAL)
