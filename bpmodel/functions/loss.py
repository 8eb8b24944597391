"""The row type of the loss tables: a loss with its output function.

`link` turns the pre-activations z of the output layer, of shape (rows, outputs), into predictions, in place. `evaluate` takes z,
the targets y, the row weights w and the loss's own number. It overwrites z with the derivative ``scale * w * dloss/dz`` and
returns the weighted sum of the rows' losses. With its canonical output function (identity for squared error, logistic for the
binary log loss, softmax for the log loss, exp for the Poisson deviance) a loss has the derivative ``prediction - target``. Log
losses are computed from z, not from clipped probabilities, so the loss of a diverging network keeps growing.

`tally` adds up, per output, the errors for a validation score ``1 - mean(tally / reference)``: squared errors over the target's
squared deviations give R^2, wrong rows over all rows give the accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.arithmetic import ZERO
from bpmodel.compiler.kernels import kernel


class Loss(NamedTuple):
    """One loss.

    - `kind` is the prediction task: numbers, one of several classes, or yes/no for each output.
    - `binary` is set for a multiclass loss: the loss that replaces it for two classes or for multilabel targets.
    - `baseline` computes the loss of a constant prediction. `constant` computes the z of the mean target or of the class
      frequencies, which is the best constant for most losses. Both take the means of the targets and of their squares, each of
      shape (outputs,); `baseline` also takes the loss's number.
    - `option` is the hyperparameter that sets the number.
    - `least` is the smallest target for which the loss is defined, and whether that value itself is allowed.
    - `averages_outputs`: the loss is reported as a mean over the outputs, but its derivative is the derivative of the sum.
    """

    name: str
    meaning: str
    kind: Literal["regression", "classification", "binary"]
    output: str
    link: Callable
    evaluate: Callable
    tally: Callable
    reference: Callable[[NDArray, NDArray], NDArray[np.float64]]
    baseline: Callable[[NDArray, NDArray, float], float]
    constant: Callable[[NDArray], NDArray]
    option: str | None = None
    least: tuple[float, bool] | None = None
    averages_outputs: bool = False
    binary: str | None = None


def elementwise(formula: Callable, *, half_mean: bool = False) -> Callable:
    """Return the kernel of a loss that is a sum over the outputs, or half of their mean.

    ``formula(z, y, number)`` returns the loss of one output and its derivative with respect to z.
    """

    @kernel
    def evaluate(z, y, w, scale, number):
        rows, outputs = z.shape
        total = 0.0
        for i in range(rows):
            row, factor = ZERO, scale * w[i]
            for j in range(outputs):
                value, slope = formula(z[i, j], y[i, j], number)
                row += value
                z[i, j] = factor * slope
            total += w[i] * row
        return total * 0.5 / outputs if half_mean else total

    return evaluate


def log_of_mean(mean: NDArray) -> NDArray:
    """Return the output that predicts these means where the link is exp or softmax."""
    return np.log(np.maximum(mean, 1e-12))
