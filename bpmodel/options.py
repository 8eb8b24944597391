"""The table of hyperparameters: name, default, domain, meaning.

These rows define the estimators' constructors, their validation and documentation, and the checks of study files. Options of
scikit-learn's MLP have the same names, defaults and meanings as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpmodel.compiler.tables import Column, View
from bpmodel.domains import (
    AT_LEAST_ONE,
    CLASS_WEIGHTS,
    EPOCHS,
    INFINITY,
    MOST_LAYERS,
    NONE,
    SEED,
    TRUTH,
    UNITS,
    VERBOSITY,
    ListOf,
    Names,
    real,
)
from bpmodel.full_batch.solvers import FULL_BATCH, ONLY
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.clipping import CLIPPINGS
from bpmodel.functions.initializers import INITIALIZERS
from bpmodel.functions.losses import CLASSIFICATION, LOSSES, REGRESSION
from bpmodel.functions.normalization import NORMALIZATIONS
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.functions.scaling import SCALINGS
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.names import hints
from bpmodel.names.short import short
from bpmodel.option import Option

ON_DIVERGENCE = {
    "stop": "stop at once, keep the weights of the best epoch, set `verdict_` and issue a DivergenceWarning",
    "repair": "apply the changes that the diagnosis suggests and continue; `repairs_` and a DivergenceWarning list them. Steps "
    "that are spikes are skipped",
    "raise": "raise DivergenceError",
    "ignore": "continue training, as scikit-learn's MLP does",
}
DTYPES = ("auto", "float32", "float64")


def meanings(table: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the meaning of each row of a table, by name."""
    return Column(table, "meaning")


def _names(table: Mapping[str, Any]) -> str:
    *first, last = map(repr, table)
    return f"{', '.join(first)} or {last}"


# What a fitted network is made of: the value of an option in a form that can be compared. Repairs may have changed the network
# itself, therefore these functions look at the options.


def _as_given(value: Any, estimator: Any) -> Any:
    return value


def _sizes(value: Any, estimator: Any) -> list[Any]:
    return list(np.atleast_1d(np.asarray(value, dtype=object))) if np.ndim(value) else [value]


def _activations(value: Any, estimator: Any) -> str | list[str]:
    names = [value] if isinstance(value, str) else list(value)
    return names[0] if len(set(names)) == 1 else names


def _precision(value: Any, estimator: Any) -> str:
    return str(estimator._parameters.dtype) if value == "auto" else str(value)


def _output(value: Any, estimator: Any) -> str:
    """The output function: a loss with another one gives other predictions from the same weights."""
    return str(LOSSES[value].output)


LOSS = Option(
    "loss",
    "squared_error",
    Names(REGRESSION),
    "What training minimizes.",
    positional=True,
    choices=meanings(REGRESSION),
    structure=_output,
)

NETWORK = (
    Option(
        "hidden_layer_sizes",
        (100,),
        UNITS | ListOf(f"a list of at most {MOST_LAYERS} of them", UNITS, MOST_LAYERS),
        "Number of units of each hidden layer; one number for a single layer, an empty list for a linear model.",
        positional=True,
        structure=_sizes,
    ),
    Option(
        "activation",
        "relu",
        Names(ACTIVATIONS) | ListOf("a list of them, one for each hidden layer", Names(ACTIVATIONS), MOST_LAYERS),
        "Activation function of all hidden layers, or a list with one for each layer.",
        positional=True,
        choices=meanings(ACTIVATIONS),
        structure=_activations,
    ),
)


def solver(losses: Mapping[str, Any]) -> Option:
    """Return the option `solver`, with the solvers that can minimize at least one of these losses."""
    methods = {name: row for name, row in FULL_BATCH.items() if row.losses is None or set(row.losses) & set(losses)}
    return Option(
        "solver",
        "adam",
        Names(View(OPTIMIZERS, methods, hint=OPTIMIZERS.hint)),
        f"Update rule, or a full-batch solver: {_names(methods)}. Full-batch solvers use all rows in every iteration, which "
        f"counts as an epoch. They need no learning rate, and do not support {', '.join(ONLY)}.",
        choices=meanings(View(OPTIMIZERS, methods)),
    )


TRAINING = (
    Option(
        "alpha",
        1e-4,
        real(0, None, "left"),
        "Strength of the L2 regularization: alpha / (2 n) times the sum of squared weights is added to the loss of a "
        "minibatch of n rows.",
    ),
    Option(
        "batch_size",
        "auto",
        Names(["auto"]) | AT_LEAST_ONE,
        "Number of rows per minibatch; 'auto' means min(200, rows), or all rows with solver 'rprop'.",
    ),
    Option(
        "learning_rate",
        "constant",
        Names(SCHEDULES),
        "Schedule of the learning rate. As in scikit-learn, 'invscaling' and 'adaptive' only have an effect with solver "
        "'sgd'; with other solvers the rate stays constant.",
        choices=meanings(SCHEDULES),
    ),
    Option("learning_rate_init", 1e-3, real(0, None, "neither"), "Initial learning rate."),
    Option("power_t", 0.5, real(0, None, "left"), "Exponent of the schedule 'invscaling'."),
    Option("max_iter", 200, EPOCHS, "Maximum number of epochs."),
    Option("shuffle", True, TRUTH, "Whether to shuffle the rows in each epoch."),
    Option(
        "random_state", None, SEED, "Seed for the initial weights, the choice of validation rows and the order of rows."
    ),
    Option(
        "tol",
        1e-4,
        real(0, None, "left"),
        "Smallest change of the loss (with early_stopping: of the validation score) that counts as an improvement. With "
        f"solver {_names(FULL_BATCH)}, training also ends when no component of the gradient is larger.",
    ),
    Option("verbose", False, VERBOSITY, "Whether to print the loss of each epoch."),
    Option("warm_start", False, TRUTH, "Whether `fit` continues from the weights of the previous `fit`."),
    Option("momentum", 0.9, real(0, 1, "both"), "Momentum of solver 'sgd'."),
    Option("nesterovs_momentum", True, TRUTH, "Whether to use Nesterov's momentum."),
    Option(
        "early_stopping",
        False,
        TRUTH,
        "Whether to set aside `validation_fraction` of the rows, stop when their score no longer improves, and keep the "
        "weights with the best score. If you pass X_val and y_val to `fit`, these rows are used instead.",
    ),
    Option("validation_fraction", 0.1, real(0, 1, "left"), "Fraction of the rows that early_stopping sets aside."),
    Option(
        "beta_1", 0.9, real(0, 1, "left"), "Decay rate of the moving average of gradients in 'adam' and its variants."
    ),
    Option(
        "beta_2",
        0.999,
        real(0, 1, "left"),
        "Decay rate of the moving average of squared gradients in 'adam' and its variants.",
    ),
    Option(
        "epsilon",
        1e-8,
        real(0, None, "neither"),
        "Small constant that avoids division by zero in update rules that divide by a root.",
    ),
    Option(
        "n_iter_no_change",
        10,
        AT_LEAST_ONE | INFINITY,
        "Number of epochs without an improvement of `tol` after which training stops.",
    ),
    Option("max_fun", 15000, AT_LEAST_ONE, "Maximum number of loss evaluations with solver 'lbfgs'."),
    Option(
        "on_divergence",
        "stop",
        Names(ON_DIVERGENCE),
        "What to do when training diverges.",
        choices=ON_DIVERGENCE,
    ),
    Option(
        "scale_input",
        "none",
        Names(SCALINGS),
        "How to scale the columns of X before they enter the network, in training and in prediction.",
        choices=meanings(SCALINGS),
        structure=_as_given,
    ),
    Option(
        "init",
        "auto",
        Names(["auto", *INITIALIZERS]),
        "Distribution of the initial weights.",
        choices={
            "auto": "a distribution that suits the activation; for the four activations of scikit-learn, the same initial "
            "weights as there for the same seed",
            **meanings(INITIALIZERS),
        },
    ),
    Option("init_gain", 1.0, real(0, None, "left"), "Factor by which the initial weights are multiplied."),
    Option(
        "zero_last_layer",
        False,
        TRUTH,
        "Whether to initialize the output layer with zero weights and the biases of the best constant prediction.",
    ),
    Option(
        "normalization",
        "none",
        Names(NORMALIZATIONS),
        "Normalization of the hidden layers' pre-activations.",
        choices=meanings(NORMALIZATIONS),
        structure=_as_given,
    ),
    Option("dropout", 0.0, real(0, 1, "left"), "Fraction of the hidden units that are dropped at each training step."),
    Option(
        "input_noise",
        0.0,
        real(0, None, "left"),
        "Standard deviation of the Gaussian noise added to the inputs at each training step; for dense rows only.",
    ),
    Option(
        "l1",
        0.0,
        real(0, None, "left"),
        "Strength of the L1 regularization: l1 / n times the sum of absolute weights is added to the loss of a minibatch "
        "of n rows.",
    ),
    Option(
        "weight_decay",
        None,
        real(0, None, "left") | NONE,
        "Decoupled weight decay: each step first multiplies the weights by 1 - learning rate * weight_decay. None means the "
        "default of the solver: 0.01 for 'adamw', 0 for the other built-in solvers.",
    ),
    Option(
        "max_norm",
        None,
        real(0, None, "neither") | NONE,
        "Maximum norm of the incoming weights of each hidden unit.",
    ),
    Option(
        "ema_decay",
        0.0,
        real(0, 1, "left"),
        "Decay rate of an exponential moving average of the weights, which is used for predictions; 0 means no averaging.",
    ),
    Option("clipping", "none", Names(CLIPPINGS), "How to clip large gradients.", choices=meanings(CLIPPINGS)),
    Option(
        "clip_threshold",
        None,
        real(0, None, "neither") | NONE,
        "Clipping threshold; None means "
        + ", ".join(f"{row.threshold:g} for '{name}'" for name, row in CLIPPINGS.items() if name != "none")
        + ".",
    ),
    Option("rho", 0.9, real(0, 1, "left"), "Decay rate of the moving average of squared gradients in 'rmsprop'."),
    Option("decay_rate", 0.5, real(0, 1, "right"), "Factor of the schedules 'step' and 'exponential'."),
    Option(
        "decay_epochs",
        20,
        real(0, None, "neither"),
        "Period of the schedules 'step', 'exponential' and 'cosine_restarts', in epochs.",
    ),
    Option(
        "warmup_epochs",
        0,
        real(0, None, "left"),
        "Number of epochs in which the learning rate rises linearly to the value of the schedule; may be a fraction.",
    ),
    Option(
        "dtype",
        "auto",
        Names(DTYPES),
        "Precision of training and prediction; 'auto' is float64 for fits of up to 64 rows, where it costs little, and "
        "float32 otherwise.",
        structure=_precision,
    ),
)

REGRESSION_ONLY = (
    Option(
        "scale_target",
        False,
        TRUTH,
        "Whether to standardize the target inside the network (with loss 'poisson' or 'gamma': divide it by its mean). "
        "Predictions are always in the target's own units; losses are in units of the scaled target.",
        structure=_as_given,
    ),
    Option(
        "huber_delta",
        1.35,
        real(0, None, "neither"),
        "Error beyond which loss 'huber' is linear, in units of the (possibly scaled) target.",
    ),
    Option("quantile", 0.5, real(0, 1, "neither"), "The quantile to predict with loss 'quantile'."),
)

CLASSIFICATION_ONLY = (
    Option("loss", "log_loss", Names(CLASSIFICATION), "What training minimizes.", choices=meanings(CLASSIFICATION)),
    Option(
        "focal_gamma",
        2.0,
        real(0, None, "left"),
        "How strongly loss 'focal' down-weights easy rows; with 0 it equals the log loss.",
    ),
    Option(
        "label_smoothing",
        0.0,
        real(0, 0.5, "left"),
        "Fraction of each row's target that is spread evenly over all classes.",
    ),
    Option(
        "class_weight",
        None,
        CLASS_WEIGHTS | Names(["balanced"]) | NONE,
        "Weights of the classes; 'balanced' makes them inversely proportional to the class frequencies.",
    ),
)

CLASSIFIER_OPTIONS = (*NETWORK, solver(CLASSIFICATION), *TRAINING, *CLASSIFICATION_ONLY)
REGRESSOR_OPTIONS = (LOSS, *NETWORK, solver(REGRESSION), *TRAINING, *REGRESSION_ONLY)


def hidden_activations(activation: str | Sequence[str], n_hidden: int) -> list[str]:
    """Return the activation of each hidden layer.

    >>> hidden_activations("tanh", 2)
    ['tanh', 'tanh']
    >>> hidden_activations(["tanh", "relu"], 2)
    ['tanh', 'relu']
    """
    if isinstance(activation, str):
        return [activation] * n_hidden
    names = list(activation)
    if len(names) != n_hidden:
        raise ValueError(f"activation={short(names)} names {len(names)} functions for {n_hidden} hidden layers")
    for name in names:
        if name not in ACTIVATIONS:
            meant = hints.of_value("activation", name, ACTIVATIONS)
            raise ValueError(
                f"activation={short(names)}: {short(name)} is unknown{meant}; allowed are {', '.join(ACTIVATIONS)}"
            )
    return names
