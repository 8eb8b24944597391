"""The one table of hyperparameters: name, default, domain, meaning.

These rows define the estimators' constructors, their validation and documentation, and the checks of study files. Options of
scikit-learn's MLP have the same names, defaults and meanings as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bpmodel.compiler.tables import Column, View
from bpmodel.domains import AT_LEAST_ONE, CLASS_WEIGHTS, INFINITY, NONE, SEED, TRUTH, VERBOSITY, ListOf, Names, real
from bpmodel.full_batch.solvers import FULL_BATCH, ONLY
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.clipping import CLIPPINGS
from bpmodel.functions.initializers import INITIALIZERS
from bpmodel.functions.losses import CLASSIFICATION, REGRESSION
from bpmodel.functions.normalization import NORMALIZATIONS
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.functions.scaling import SCALINGS
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.option import Option

ON_DIVERGENCE = {
    "stop": "end at once with the weights of its best epoch, a `verdict_` and a DivergenceWarning",
    "repair": "change what the diagnosis says and go on; `repairs_` and a DivergenceWarning tell what. A step that stands out "
    "from those before is skipped",
    "raise": "raise DivergenceError",
    "ignore": "train on, as scikit-learn's MLP does",
}
DTYPES = ("auto", "float32", "float64")


def meanings(table: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the meaning of each row of a table, by name."""
    return Column(table, "meaning")


def _names(table: Mapping[str, Any]) -> str:
    *first, last = map(repr, table)
    return f"{', '.join(first)} or {last}"


LOSS = Option(
    "loss",
    "squared_error",
    Names(REGRESSION),
    "What training minimizes.",
    positional=True,
    choices=meanings(REGRESSION),
)

NETWORK = (
    Option(
        "hidden_layer_sizes",
        (100,),
        AT_LEAST_ONE | ListOf("a list of them", AT_LEAST_ONE),
        "Units of each hidden layer; one number for a single layer, an empty list for a linear model.",
        positional=True,
    ),
    Option(
        "activation",
        "relu",
        Names(ACTIVATIONS) | ListOf("a list of them, one for each hidden layer", Names(ACTIVATIONS)),
        "Activation function of the hidden layers, or of each of them.",
        positional=True,
        choices=meanings(ACTIVATIONS),
    ),
)


def solver(losses: Mapping[str, Any]) -> Option:
    """Return the option `solver`, with the solvers that can minimize at least one of these losses."""
    methods = {name: row for name, row in FULL_BATCH.items() if row.losses is None or set(row.losses) & set(losses)}
    return Option(
        "solver",
        "adam",
        Names(View(OPTIMIZERS, methods, hint=OPTIMIZERS.hint)),
        f"Update rule, or a method that sees all rows in every iteration, which is an epoch: {_names(methods)}. These need "
        f"no learning rate, and do not go with {', '.join(ONLY)}.",
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
        "Rows per minibatch; 'auto' is min(200, rows), and all rows for solver 'rprop'.",
    ),
    Option(
        "learning_rate",
        "constant",
        Names(SCHEDULES),
        "Schedule of the learning rate. As in scikit-learn, 'invscaling' and 'adaptive' are for solver 'sgd' only; elsewhere "
        "they leave the rate constant.",
        choices=meanings(SCHEDULES),
    ),
    Option("learning_rate_init", 1e-3, real(0, None, "neither"), "Learning rate at the start."),
    Option("power_t", 0.5, real(0, None, "left"), "Exponent of the schedule 'invscaling'."),
    Option("max_iter", 200, AT_LEAST_ONE, "Most epochs of a fit."),
    Option("shuffle", True, TRUTH, "Whether each epoch visits the rows in a new order."),
    Option("random_state", None, SEED, "Seed of the initial weights, the validation rows and the order."),
    Option(
        "tol",
        1e-4,
        real(0, None, "left"),
        "Least improvement of the loss (with early_stopping: of the validation score) that counts as one; with solver "
        f"{_names(FULL_BATCH)}, training also ends where no derivative of the loss is larger.",
    ),
    Option("verbose", False, VERBOSITY, "Whether to print the loss of each epoch."),
    Option("warm_start", False, TRUTH, "Whether `fit` goes on from the weights of the previous `fit`."),
    Option("momentum", 0.9, real(0, 1, "both"), "Momentum of solver 'sgd'."),
    Option("nesterovs_momentum", True, TRUTH, "Whether the momentum is Nesterov's."),
    Option(
        "early_stopping",
        False,
        TRUTH,
        "Whether to set `validation_fraction` of the rows aside, stop when their score no longer improves and keep the "
        "weights that scored best. Rows given to `fit` as X_val and y_val take their place.",
    ),
    Option("validation_fraction", 0.1, real(0, 1, "left"), "Share of the rows set aside by early_stopping."),
    Option("beta_1", 0.9, real(0, 1, "left"), "Decay of the mean of gradients in 'adam' and its relatives."),
    Option("beta_2", 0.999, real(0, 1, "left"), "Decay of the mean of squared gradients in 'adam' and its relatives."),
    Option("epsilon", 1e-8, real(0, None, "neither"), "Keeps the division finite in rules that divide by a root."),
    Option(
        "n_iter_no_change",
        10,
        AT_LEAST_ONE | INFINITY,
        "Epochs without an improvement by `tol` after which training ends.",
    ),
    Option("max_fun", 15000, AT_LEAST_ONE, "Most evaluations of the loss by solver 'lbfgs'."),
    Option(
        "on_divergence",
        "stop",
        Names(ON_DIVERGENCE),
        "What a fit does when it diverges.",
        choices=ON_DIVERGENCE,
    ),
    Option(
        "scale_input",
        "none",
        Names(SCALINGS),
        "What the network sees in place of the columns of X; predictions do the same.",
        choices=SCALINGS,
    ),
    Option(
        "init",
        "auto",
        Names(["auto", *INITIALIZERS]),
        "Distribution of the initial weights.",
        choices={
            "auto": "what fits the activation; for scikit-learn's four its own choice, draw for draw",
            **meanings(INITIALIZERS),
        },
    ),
    Option("init_gain", 1.0, real(0, None, "left"), "Factor of the initial weights."),
    Option(
        "zero_last_layer",
        False,
        TRUTH,
        "Whether the output layer starts with zero weights and the biases of the best constant prediction.",
    ),
    Option(
        "normalization",
        "none",
        Names(NORMALIZATIONS),
        "Normalization of the hidden layers' pre-activations.",
        choices=meanings(NORMALIZATIONS),
    ),
    Option("dropout", 0.0, real(0, 1, "left"), "Share of the hidden units left out at each training step."),
    Option(
        "input_noise",
        0.0,
        real(0, None, "left"),
        "Standard deviation of the normal noise added to the inputs at each training step; for dense rows only.",
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
        "Decoupled weight decay: each step first takes this share, times the learning rate, off the weights; None is what "
        "the solver says, which is 0 for all but 'adamw'.",
    ),
    Option(
        "max_norm",
        None,
        real(0, None, "neither") | NONE,
        "Largest norm of the incoming weights of a hidden unit.",
    ),
    Option(
        "ema_decay",
        0.0,
        real(0, 1, "left"),
        "Decay of an average of the weights over the steps, with which the network predicts; 0 is no averaging.",
    ),
    Option("clipping", "none", Names(CLIPPINGS), "What is done to large gradients.", choices=meanings(CLIPPINGS)),
    Option(
        "clip_threshold",
        None,
        real(0, None, "neither") | NONE,
        "Threshold of the clipping; None is "
        + ", ".join(f"{row.threshold:g} for '{name}'" for name, row in CLIPPINGS.items() if name != "none")
        + ".",
    ),
    Option("rho", 0.9, real(0, 1, "left"), "Decay of the mean of squared gradients in 'rmsprop'."),
    Option("decay_rate", 0.5, real(0, 1, "right"), "Factor of the schedules 'step' and 'exponential'."),
    Option(
        "decay_epochs",
        20,
        real(0, None, "neither"),
        "Epochs from one step of the schedules 'step', 'exponential' and 'cosine_restarts' to the next.",
    ),
    Option(
        "warmup_epochs",
        0,
        real(0, None, "left"),
        "Epochs, or a part of one, in which the learning rate rises linearly to what the schedule says.",
    ),
    Option(
        "dtype",
        "auto",
        Names(DTYPES),
        "Precision of training and prediction; 'auto' is float64 for fits of up to 64 rows, where it costs little, else float32.",
    ),
)

REGRESSION_ONLY = (
    Option(
        "scale_target",
        False,
        TRUTH,
        "Whether the network learns the target minus its mean over its standard deviation (with loss 'poisson' or 'gamma': "
        "over its mean); predictions are in the target's own units either way, losses are in the network's.",
    ),
    Option(
        "huber_delta",
        1.35,
        real(0, None, "neither"),
        "Error from which loss 'huber' is linear, in the network's units.",
    ),
    Option("quantile", 0.5, real(0, 1, "neither"), "The quantile that loss 'quantile' predicts."),
)

CLASSIFICATION_ONLY = (
    Option("loss", "log_loss", Names(CLASSIFICATION), "What training minimizes.", choices=meanings(CLASSIFICATION)),
    Option(
        "focal_gamma",
        2.0,
        real(0, None, "left"),
        "How much less loss 'focal' makes of easy rows; with 0 it is the log loss.",
    ),
    Option(
        "label_smoothing",
        0.0,
        real(0, 0.5, "left"),
        "Share of each row's target that is spread evenly over all classes.",
    ),
    Option(
        "class_weight",
        None,
        CLASS_WEIGHTS | Names(["balanced"]) | NONE,
        "Weights of the classes; 'balanced' is in inverse proportion to their frequencies.",
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
        raise ValueError(f"activation={names} names {len(names)} functions for {n_hidden} hidden layers")
    for name in names:
        if name not in ACTIVATIONS:
            raise ValueError(f"activation={names}: {name!r} is unknown; allowed are {', '.join(ACTIVATIONS)}")
    return names
