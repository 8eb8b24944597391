"""A fitted network: its parameters under the attribute names of scikit-learn's MLP, and its outputs for rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from bpmodel.functions import scaling
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.scaling import SCALINGS
from bpmodel.intake.rows import validated
from bpmodel.network import prediction
from bpmodel.network.parameters import Network, assemble, check_shapes, takes, unpack

ATTRIBUTES = """
coefs_, intercepts_ : list of ndarray
    Weights (fan_in, fan_out) and biases (fan_out,) of each layer.
n_iter_, t_, n_layers_, n_outputs_, n_features_in_, feature_names_in_, out_activation_
    As in scikit-learn's MLP.
loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_
    As in scikit-learn's MLP; losses are in units of the scaled target. The last loss of a diverged fit is the mean over the rows
    that were seen in its last epoch.
verdict_ : bpmodel.Verdict
    How the fit ended: ``status`` ("ok", "diverged" or "stalled"), ``reason``, ``epoch``, ``step`` and ``evidence``.
diverged_ : bool
    Whether the fit diverged.
repairs_ : list of bpmodel.Repair
    What ``on_divergence="repair"`` changed; `history_`, `probes_` and `loss_curve_` show the epochs that were kept.
baseline_loss_, initial_loss_ : float
    Loss of the dummy predictor, and of the network before the first step.
history_ : dict of str to ndarray of shape (n_iter_,) or (n_iter_, n_layers_ - 1)
    By epoch: ``loss``, ``gradient_norm`` (mean over the steps of the epoch), ``learning_rate`` (of its last step),
    ``validation_loss``, ``validation_score``, ``spikes`` (steps that stand out, see `bpmodel.network.spikes`). By epoch and
    layer: ``layer_weight_norm``, ``layer_gradient_norm`` (of the last step), ``layer_step_ratio`` (length of the weights'
    movement over their norm and over the steps); of the epoch's last full minibatch ``layer_delta_norm``, ``layer_dead``,
    ``layer_saturated``, ``layer_chi`` (see `bpmodel.network.fit.History`). NaN where a value is not measured.
probes_ : dict of str to ndarray of shape (n_probes,) or (n_probes, n_layers_ - 1)
    The state of each layer before the first step and after the epochs 1, 2, 4, 8, … and the last: ``epoch``, ``step``,
    ``delta_norm``, ``gradient_norm``, ``weight_norm``, ``step_ratio``, ``dead``, ``saturated``, ``chi`` (see
    `bpmodel.network.probes.Signals`). `diagnose` reads them. Empty after `partial_fit` and with full-batch solvers.
"""
"""Documentation of the fitted attributes of both estimators."""


class FittedNetwork(BaseEstimator, ABC):
    """The part of an estimator that holds the fitted network: the state that `fit` stores and predictions need.

    Saved models contain this state. It therefore consists only of arrays and plain containers, and of no class whose module may
    move.
    """

    _parameters: NDArray
    """the parameters that predictions use"""
    _running: NDArray
    _trained: NDArray | None
    """the parameters that training continues from, if they differ: with `ema_decay`"""
    _layer_units: list[int]
    _activations: list[str]
    _normalization: str
    _loss: str
    _scaling: dict[str, Any] | None
    """fields of a `Scaling`"""
    _scales: dict[str, float]
    """fields of a diagnosis' `Scales`"""
    _structure: dict[str, Any]
    """the structural options when the network was drawn; networks saved by older versions have none"""

    @abstractmethod
    def _loss_name(self) -> str:
        """Return the name of the loss, a row of `LOSSES`."""

    def _loss_number(self) -> float:
        option = LOSSES[self._loss].option
        return float(getattr(self, option)) if option else 0.0

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Return the names of the parameters without parsing the constructor's signature of forty parameters at every call."""
        return list(super()._get_param_names())

    def _network(self, loss_number: float | None = None) -> Network:
        """Return the network; the number of its loss, which predictions do not need, is by default that of the options."""
        return assemble(
            self._parameters,
            self._running,
            self._layer_units,
            self._activations,
            self._loss,
            self._normalization,
            self._loss_number() if loss_number is None else loss_number,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a saved state; copy read-only memory-mapped arrays, because compiled code takes only writable ones.

        Raises
        ------
        ValueError
            If the sizes of the arrays do not fit each other: the state comes from a file.
        """
        super().__setstate__(state)
        for name in ("_scaling", "_scales"):
            if hasattr(self, name):
                setattr(self, name, _plain(getattr(self, name)))
        for name in ("_parameters", "_running", "_trained", "_state", "_moments", "_memory"):
            value = getattr(self, name, None)
            if value is not None:
                setattr(self, name, [_own(a) for a in value] if isinstance(value, list) else _own(value))
        if hasattr(self, "_parameters"):
            normalized = self._normalization != "none"
            check_shapes(self._parameters, self._running, self._layer_units, self._activations, normalized)
            if self._layer_units[0] != self.n_features_in_:
                raise ValueError(
                    f"a network of {self._layer_units[0]} inputs does not take {self.n_features_in_} features"
                )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_parameters")

    @property
    def coefs_(self) -> list[NDArray]:
        """Weights of each layer, shape (fan_in, fan_out): views, so writing to them changes the network."""
        return unpack(self._fitted_parameters("coefs_"), self._layer_units)[0]

    @coefs_.setter
    def coefs_(self, values: Sequence[ArrayLike]) -> None:
        for view, value in zip(self.coefs_, values, strict=True):
            view[...] = value

    @property
    def intercepts_(self) -> list[NDArray]:
        """Biases of each layer, shape (fan_out,): views like `coefs_`."""
        return unpack(self._fitted_parameters("intercepts_"), self._layer_units)[1]

    @intercepts_.setter
    def intercepts_(self, values: Sequence[ArrayLike]) -> None:
        for view, value in zip(self.intercepts_, values, strict=True):
            view[...] = value

    def _fitted_parameters(self, attribute: str) -> NDArray:
        if not hasattr(self, "_parameters"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r} before `fit`")
        return self._parameters

    def _predict_outputs(self, X: Any, loss: str | None = None) -> NDArray:
        """Return the network's outputs of shape (n, outputs), with the output function of its own loss or of another one."""
        if not hasattr(self, "_parameters"):  # asked first, because the check looks at all tags
            check_is_fitted(self)
        if not self._is_plain(X):
            X = validated(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        network = self._network(0.0)
        if not takes(network, X.shape[1]):  # another thread has begun a fit since the rows were checked
            raise ValueError(f"X has {X.shape[1]} features, but the network is being fitted for other rows")
        if loss is not None:
            network = network._replace(loss=LOSSES.code(loss))
        return prediction.predict(network, self._scale(X))

    def _scale(self, X: Any) -> Any:
        """Return the scaled rows, as the network sees them."""
        return X if self._scaling is None else scaling.apply(scaling.Scaling(**self._scaling), X)

    def _is_plain(self, X: Any) -> bool:
        """Whether validation would return X unchanged; this check takes a tenth of the time of validating one row."""
        return is_plain(X) and X.shape[1] == self.n_features_in_ and not hasattr(self, "feature_names_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        noisy = isinstance(self.input_noise, int | float | np.number) and self.input_noise > 0
        rule = SCALINGS.get(self.scale_input) if isinstance(self.scale_input, str) else None
        tags.input_tags.sparse = not noisy and (rule is None or rule.takes_sparse)
        return tags


def is_plain(X: Any) -> bool:
    """Return whether X is a two-dimensional, nonempty array of finite numbers in single or double precision."""
    return type(X) is np.ndarray and X.dtype.char in "fd" and X.ndim == 2 and X.size > 0 and _has_finite_sum(X)


def is_plain_target(y: Any, n: int) -> bool:
    """Return whether y is an array of n whole or finite numbers."""
    return type(y) is np.ndarray and y.dtype.char in "fdilq" and y.shape == (n,) and _has_finite_sum(y)


def _has_finite_sum(array: NDArray) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):  # finite numbers with an infinite sum go the long way
        return bool(np.isfinite(array.sum()))


def _own(array: NDArray) -> NDArray:
    return np.require(array, requirements=["C", "W", "E"])


def _plain(record: Any) -> Any:
    """Return the fields of a record as a dict; models saved by version 0.1 hold the record itself."""
    if isinstance(record, scaling.Scaling):
        return record._asdict()
    return record if record is None or isinstance(record, dict) else dict(vars(record))
