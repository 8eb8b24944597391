"""Activation functions, output functions and normalizations as ONNX operators: one row each, by the names of the options.

Where an operator exists in single precision only, or not in every runtime, the row composes it of simpler ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpmodel.functions.activations import LEAK, SELU_ALPHA, SELU_SCALE
from bpmodel.functions.normalization import EPSILON

Operator = Callable[..., str]
"""`Graph.add` in the precision of the network."""


def _leaky_relu(op: Operator, z: str) -> str:
    return op("LeakyRelu", z, alpha=LEAK)


def _elu(op: Operator, z: str) -> str:
    return op("Where", op("Less", z, 0.0), _below(op, z), z)


def _selu(op: Operator, z: str) -> str:
    below = op("Mul", _below(op, z), SELU_SCALE * SELU_ALPHA)
    return op("Where", op("Less", z, 0.0), below, op("Mul", z, SELU_SCALE))


def _below(op: Operator, z: str) -> str:
    """Return exp(z) - 1 for negative z."""
    return op("Sub", op("Exp", op("Min", z, 0.0)), 1.0)


def _gelu(op: Operator, z: str) -> str:
    """Return z Phi(z); runtimes have Erf in single precision only, which is exact to 1e-7."""
    single = op("Cast", op("Mul", z, 2**-0.5), to=np.dtype("float32"))
    error = op("CastLike", op("Erf", single), z)
    return op("Mul", z, op("Mul", op("Add", error, 1.0), 0.5))


def _silu(op: Operator, z: str) -> str:
    """Return z / (1 + exp(-z)); onnxruntime 1.23 turns z times Sigmoid into an operator without double precision."""
    return op("Div", z, op("Add", op("Exp", op("Neg", z)), 1.0))


def _mish(op: Operator, z: str) -> str:
    return op("Mul", z, op("Tanh", _softplus(op, z)))


def _softplus(op: Operator, z: str) -> str:
    tail = op("Log", op("Add", op("Exp", op("Neg", op("Abs", z))), 1.0))
    return op("Add", op("Max", z, 0.0), tail)


ACTIVATIONS: dict[str, Callable[[Operator, str], str]] = {
    "identity": lambda op, z: z,
    "logistic": lambda op, z: op("Sigmoid", z),
    "tanh": lambda op, z: op("Tanh", z),
    "relu": lambda op, z: op("Relu", z),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
    "softplus": _softplus,
}

LINKS: dict[str, Callable[[Operator, str], str]] = {
    "identity": lambda op, z: z,
    "exp": lambda op, z: op("Exp", z),
    "logistic": lambda op, z: op("Sigmoid", z),
    "softmax": lambda op, z: op("Softmax", z, axis=1),
}
"""Output functions, by the field `output` of a loss."""


def _no_normalization(op: Operator, a: str, w: Any, b: Any, scale: Any, running: Any) -> str:
    return op("Gemm", a, w, b)


def _layer(op: Operator, a: str, w: Any, b: Any, scale: Any, running: Any) -> str:
    return op("LayerNormalization", op("MatMul", a, w), scale, b, axis=-1, epsilon=EPSILON)


def _batch(op: Operator, a: str, w: Any, b: Any, scale: Any, running: Any) -> str:
    """Return the layer with the running means and variances in its weights: prediction needs no other operator."""
    mean, variance = running.astype(np.float64)
    factor = scale / np.sqrt(variance + EPSILON)
    return op("Gemm", a, w * factor, b - mean * factor)


NORMALIZATIONS: dict[str, Callable[..., str]] = {"none": _no_normalization, "layer": _layer, "batch": _batch}
"""The pre-activations of a hidden layer from its inputs a, weights, biases, scales (units,) and `running` (2, units)."""
