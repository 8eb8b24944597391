"""Registration of user-defined functions: rows added to the tables, compiled with the built-in ones at the next fit.

Each `register_*` checks its row before adding it: the name is new, the functions compile in both precisions, and each derivative
matches its function. A registration is valid only in this process: workers, and programs that load a model, must register the
row as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.jit import enabled
from bpmodel.compiler.kernels import formula as compiled_formula
from bpmodel.compiler.kernels import kernel
from bpmodel.functions.activations import ACTIVATIONS, Activation
from bpmodel.functions.initializers import INITIALIZERS
from bpmodel.functions.loss import Loss, elementwise
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.optimizers import OPTIMIZERS, Optimizer, Rule
from bpmodel.functions.regression_losses import DEVIANCE, OF_ERROR
from bpmodel.functions.schedules import SCHEDULES, Schedule, keep, stop
from bpmodel.names import hints

POINTS = np.linspace(-4.17, 4.31, 31)
"""The points at which functions are checked; they avoid kinks at multiples of 0.1."""

STEP, TOLERANCE = 1e-6, 1e-4
"""Step and tolerance of the finite differences that derivatives are compared with."""

OUTPUTS = {"identity": OF_ERROR, "exp": DEVIANCE}


def register_activation(
    name: str,
    value: Callable[[float], float],
    slope: Callable[[float, float], float],
    *,
    meaning: str,
    init: str = "glorot_uniform",
    from_output: bool = False,
) -> None:
    """Add an activation function.

    Parameters
    ----------
    name : str
        The value of ``activation=`` that selects it.
    value : callable
        ``value(z)``: the output for a pre-activation, both scalars. A Python function that Numba can compile.
    slope : callable
        ``slope(a, z)``: the derivative of the output a with respect to z. Finite everywhere.
    meaning : str
        The formula, for the documentation.
    init : str, default="glorot_uniform"
        The weight initializer under ``init="auto"``.
    from_output : bool, default=False
        Whether the slope depends on a alone. It then receives a in place of z, and z is not stored.

    Raises
    ------
    ValueError
        If the name is taken, a function does not compile, or the slope is not the derivative of the value.
    """
    ACTIVATIONS.check_new(name)
    if init not in INITIALIZERS:
        raise ValueError(
            f"init={init!r} is unknown{hints.of_value('init', init, INITIALIZERS)}; allowed are {', '.join(INITIALIZERS)}"
        )
    row = Activation(name, meaning, _compiled(kernel, value), _compiled(kernel, slope), init, from_output)

    def at(z: Any) -> Any:
        a = _called(name, row.value, z)
        return a, _called(name, row.slope, a, a if from_output else z)

    at(np.float32(0.5))
    _check_derivative(name, at, POINTS)
    ACTIVATIONS.add(row)


def register_loss(
    name: str,
    formula: Callable[[float, float, float], tuple[float, float]],
    *,
    meaning: str,
    output: Literal["identity", "exp"] = "identity",
    least: tuple[float, bool] | None = None,
    baseline: Callable[[NDArray, NDArray, float], float] | None = None,
) -> None:
    """Add a loss for regression: a sum over the outputs.

    Parameters
    ----------
    name : str
        The value of ``loss=`` that selects it.
    formula : callable
        ``formula(z, y, number)``: the loss of one output and its derivative with respect to the output's pre-activation z, for
        the target y; `number` is 0. A Python function that Numba can compile.
    meaning : str
        One line for the documentation.
    output : {"identity", "exp"}, default="identity"
        The output function, which turns z into the prediction.
    least : tuple (float, bool), optional
        The smallest target for which the loss is defined, and whether that value itself is allowed.
    baseline : callable, optional
        ``baseline(mean, mean_square, number)``: the loss of the best constant prediction, from the means of the targets and of
        their squares, each of shape (outputs,). Divergence is judged relative to it. By default the loss of predicting the mean
        of a normally distributed target.

    Raises
    ------
    ValueError
        If the name is taken, the formula does not compile, or it does not return a loss and its derivative.
    """
    LOSSES.check_new(name)
    if output not in OUTPUTS:
        raise ValueError(
            f"output={output!r} is unknown{hints.of_value('output', output, OUTPUTS)}; allowed are {', '.join(OUTPUTS)}"
        )
    one = _compiled(compiled_formula, formula)
    targets = POINTS[::7] if least is None else least[0] + np.array([0.1, 1.0, 3.0])
    _called(name, one, np.float32(0.5), np.float32(targets[-1]), np.float32(0))
    for y in targets:
        _check_derivative(name, lambda z: _called(name, one, z, y, 0.0), POINTS)  # noqa: B023 - called at once
    shared: dict[str, Any] = OUTPUTS[output]
    if baseline is None:
        baseline = _baseline(one, shared["constant"], least)
    LOSSES.add(Loss(name=name, meaning=meaning, evaluate=elementwise(one), baseline=baseline, least=least, **shared))


def register_optimizer(
    name: str,
    update: Callable[..., None],
    *,
    slots: int,
    meaning: str,
    weight_decay: float = 0.0,
    whole: bool = False,
) -> None:
    """Add an update rule.

    Parameters
    ----------
    name : str
        The value of ``solver=`` that selects it.
    update : callable
        ``update(parameters, gradient, memory, rule, rate, step)`` updates the parameters by one step, in place. `parameters` and
        `gradient` have shape (n,). `memory`, of shape (slots, n), starts at zero; only the rule uses it. `rule` has the options
        ``momentum``, ``nesterovs_momentum``, ``beta_1``, ``beta_2``, ``rho`` and ``epsilon``, `rate` is the learning rate, and
        `step` counts from 1. A Python function that Numba can compile.
    slots : int
        Number of values that the rule stores for each parameter.
    meaning : str
        One line for the documentation.
    weight_decay : float, default=0.0
        The weight decay under ``weight_decay=None``.
    whole : bool, default=False
        Whether ``batch_size="auto"`` means all rows.

    Raises
    ------
    ValueError
        If the name is taken, the function does not compile, or a step leaves the parameters unchanged or not finite.
    """
    OPTIMIZERS.check_new(name)
    if not isinstance(slots, int) or slots < 0:
        raise ValueError(f"slots={slots!r} must be a whole number >= 0")
    row = Optimizer(name, meaning, slots, _compiled(kernel, update), weight_decay, whole)
    for dtype in ("float32", "float64"):
        number: Any = np.dtype(dtype).type
        rule = Rule(number(0.9), True, number(0.9), number(0.999), number(0.9), number(1e-8))
        before, memory = POINTS.astype(dtype), np.zeros((slots, POINTS.size), dtype)
        after, gradient = before.copy(), (0.3 * POINTS).astype(dtype)
        _called(name, row.update, after, gradient, memory, rule, number(0.01), 1)
        if not np.isfinite(after).all() or (after == before).all():
            raise ValueError(
                f"{name!r}: a first step from {before[:3]} along a gradient of 0.3 times that leads to {after[:3]}"
            )
    OPTIMIZERS.add(row)


def register_schedule(
    name: str,
    factor: Callable[[float, float, float, float], float],
    *,
    meaning: str,
    after_epoch: Callable[[float, float, float, float], float] = keep,
    after_plateau: Callable[[float], float] = stop,
    ends: bool = False,
) -> None:
    """Add a learning-rate schedule.

    Parameters
    ----------
    name : str
        The value of ``learning_rate=`` that selects it.
    factor : callable
        ``factor(t, epoch, period, decay)``: the factor of the learning rate at a step. t in [0, 1) is the completed share of
        `max_iter`, `epoch` is the same in epochs, fractions included, `period` is `decay_epochs`, and `decay` is `decay_rate`. A
        Python function that Numba can compile.
    meaning : str
        One line for the documentation.
    after_epoch : callable, optional
        ``after_epoch(rate, initial, power, samples)``: the rate after an epoch; `samples` is the number of rows seen so far.
    after_plateau : callable, optional
        ``after_plateau(rate)``: the new rate when training no longer improves; 0, the default, ends the training.
    ends : bool, default=False
        Whether the schedule lowers the rate completely by `max_iter`. Running all epochs is then intended and raises no
        ConvergenceWarning.

    Raises
    ------
    ValueError
        If the name is taken, a function does not compile, or a factor is negative or not finite.
    """
    SCHEDULES.check_new(name)
    row = Schedule(
        name,
        meaning,
        _compiled(kernel, after_epoch),
        _compiled(kernel, after_plateau),
        _compiled(kernel, factor),
        ends=ends,
    )
    _called(name, row.after_epoch, 0.1, 0.1, 0.5, 100)
    _called(name, row.after_plateau, 0.1)
    for t in np.linspace(0, 1, 21):
        times = _called(name, row.factor, t, 50 * t, 10.0, 0.5)
        if not (np.isfinite(times) and times >= 0):
            raise ValueError(f"{name!r}: the factor is {times} at t={t:g}; it must be a number >= 0")
    SCHEDULES.add(row)


def _compiled(how: Callable, function: Callable) -> Any:
    """Compile a function like the built-in ones; return a compiled function unchanged."""
    return function if hasattr(function, "py_func") else how(function)


def _called(name: str, function: Callable, *arguments: Any) -> Any:
    try:
        with enabled():
            return function(*arguments)
    except Exception as error:  # any error of Numba about the user's function
        kind = f"{type(error).__name__}: {error}".strip()
        raise ValueError(
            f"{name!r}: {getattr(function, '__name__', function)} cannot be compiled or called: {kind}"
        ) from error


def _check_derivative(name: str, at: Callable[[float], tuple[float, float]], points: NDArray) -> None:
    """Compare a derivative with central differences."""
    for z in points:
        slope = at(z)[1]
        difference = (at(z + STEP)[0] - at(z - STEP)[0]) / (2 * STEP)
        if not abs(slope - difference) <= TOLERANCE * (1 + abs(difference)):
            raise ValueError(
                f"{name!r}: the derivative at z={z:g} is {slope:g}, but finite differences give {difference:g}"
            )


def _baseline(one: Callable, constant: Callable, least: tuple[float, bool] | None) -> Callable:
    """Return the loss of predicting the mean of a normal target, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()

    def baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
        spread = np.sqrt(np.maximum(mean_square - mean**2, 0))
        total = 0.0
        for z, middle, std in zip(constant(mean), mean, spread, strict=True):
            targets = middle + std * nodes
            if least is not None:
                targets = np.maximum(targets, least[0] + (0.0 if least[1] else 1e-3 * abs(middle)))
            total += sum(weight * one(float(z), float(y), 0.0)[0] for weight, y in zip(weights, targets, strict=True))
        return float(total)

    return baseline
