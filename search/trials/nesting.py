"""Place of a network in an estimator: alone, last in a pipeline, in a target transformer, or any nesting of these.

scikit-learn fits the steps around the network, with a recorder in the network's place: it records the rows, targets and
weights that the network would be fitted on, after all transformations. So pipelines of other classes may do there what
they like, such as add or drop rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length

from bpmodel import BPClassifier, BPRegressor

SET_BY_THE_SEARCH = ("random_state", "verbose")
"""Parameters of a network that the search sets in every trial, so they cannot be searched."""


class FitData(NamedTuple):
    """The data for a network's fit: rows and targets after all transformations, and a weight for each row or None."""

    X: Any
    y: Any
    weight: Any


def network_of(estimator: Any) -> BPRegressor | BPClassifier | None:
    """Return the network in an estimator, the fitted one if it exists; None if there is no network.

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> network = BPRegressor()
    >>> network_of(TransformedTargetRegressor(make_pipeline(StandardScaler(), network))) is network
    True
    """
    found = innermost(estimator)
    return found if isinstance(found, BPRegressor | BPClassifier) else None


def innermost(estimator: Any) -> Any:
    """Return the final predictor of an estimator, the fitted one if it exists.

    That is the last step of pipelines, or the regressor inside a `TransformedTargetRegressor`.
    """
    if isinstance(estimator, Pipeline):
        return innermost(estimator.steps[-1][1])
    if isinstance(estimator, TransformedTargetRegressor):
        return innermost(getattr(estimator, "regressor_", estimator.regressor))
    return estimator


def prefix(estimator: Any) -> str:
    """Return the prefix of the network's own parameters in the estimator.

    >>> from sklearn.pipeline import make_pipeline
    >>> prefix(TransformedTargetRegressor(make_pipeline(BPRegressor())))
    'regressor__bpregressor__'
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__{prefix(last)}"
    if isinstance(estimator, TransformedTargetRegressor):
        return f"regressor__{prefix(estimator.regressor)}"
    return ""


def tunable(estimator: Any) -> set[str]:
    """Return the names of the searchable parameters.

    They are all except those that hold the network, whose place is fixed, and the network's `SET_BY_THE_SEARCH`.

    >>> found = tunable(TransformedTargetRegressor(BPRegressor()))
    >>> "regressor__alpha" in found, "regressor" in found, "regressor__verbose" in found
    (True, False, False)
    """
    network, known = network_of(estimator), estimator.get_params()
    if network is None:
        return set(known)
    own = {prefix(estimator) + name for name in SET_BY_THE_SEARCH}
    return {
        name
        for name, value in known.items()
        if network_of(value) is not network and name.rpartition("__")[2] != "steps" and name not in own
    }


def accepts(estimator: Any, name: str, value: Any) -> bool:
    """Return whether an estimator takes a parameter that its `get_params` does not list.

    That is so where parameters are passed on to another library, as by LightGBM. A network has no such parameters.

    >>> from sklearn.pipeline import make_pipeline
    >>> accepts(make_pipeline(BPRegressor()), "bpregressor__verbose", True)
    False
    """
    if network_of(estimator) is not None and (name in estimator.get_params() or name.startswith(prefix(estimator))):
        return False
    try:
        clone(estimator).set_params(**{name: value})
    except Exception:  # whatever the estimator says of a parameter that it does not know
        return False
    return True


def is_transparent(estimator: Any) -> bool:
    """Return whether only scikit-learn's own classes surround the network.

    These hand on each row to the network as one row. Other pipelines, such as those of imbalanced-learn, may add and drop rows
    in `fit`, and may do more than transform in `predict`.

    >>> from sklearn.pipeline import make_pipeline
    >>> class Resampling(Pipeline):
    ...     pass
    >>> is_transparent(make_pipeline(BPRegressor())), is_transparent(Resampling([("network", BPRegressor())]))
    (True, False)
    """
    if isinstance(estimator, Pipeline):
        return type(estimator) is Pipeline and is_transparent(estimator.steps[-1][1])
    if isinstance(estimator, TransformedTargetRegressor):
        own = type(estimator) is TransformedTargetRegressor
        return own and is_transparent(getattr(estimator, "regressor_", estimator.regressor))
    return True


def split_params(estimator: Any, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split parameters into those of the network, by its own names, and those of the steps around it."""
    own = prefix(estimator)
    network = {name.removeprefix(own): value for name, value in params.items() if name.startswith(own)}
    return network, {name: value for name, value in params.items() if not name.startswith(own)}


def fit_around(estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> tuple[Any, FitData]:
    """Fit the steps around the network.

    Parameters
    ----------
    estimator : estimator that contains a network
    X, y, fit_params
        As for the estimator's `fit`.

    Returns
    -------
    fitted : estimator
        A clone in which everything except the network is fitted.
    data : FitData
        The data for the network's fit.
    """
    recorder: Any = clone(network_of(estimator))
    recorder.__class__ = _RecordingClassifier if isinstance(recorder, BPClassifier) else _RecordingRegressor
    place = prefix(estimator).removesuffix("__")
    fitted = clone(estimator).set_params(**{place: recorder}) if place else recorder
    fitted.fit(X, y, **fit_params)
    return fitted, vars(network_of(fitted)).pop("fit_data_")


class _Recorder:
    """Stands in for a network and records the data passed to `fit` and the rows passed to `predict`."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        check_consistent_length(X, y, sample_weight)
        self.fit_data_, self.example_ = FitData(X, y, sample_weight), np.array(y[:1])  # no view: it is kept
        return self

    def predict(self, X: Any) -> NDArray:
        self.rows_ = X
        return np.repeat(
            self.example_, X.shape[0] if hasattr(X, "shape") else len(X), axis=0
        )  # of which a target transformer can take the inverse

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _RecordingRegressor(_Recorder, BPRegressor):  # type: ignore[misc]  # `fit` takes no rows to validate on
    pass


class _RecordingClassifier(_Recorder, BPClassifier):  # type: ignore[misc]  # `fit` takes no rows to validate on
    pass


def transform_rows(fitted: Any, X: Any) -> Any:
    """Transform rows as the steps before the network do when they predict."""
    if not is_transparent(fitted):
        fitted.predict(X)
        return vars(network_of(fitted)).pop("rows_")
    if isinstance(fitted, Pipeline):
        return transform_rows(fitted.steps[-1][1], fitted[:-1].transform(X) if len(fitted) > 1 else X)
    if isinstance(fitted, TransformedTargetRegressor):
        return transform_rows(fitted.regressor_, X)
    return X


def transform_target(fitted: Any, y: NDArray) -> NDArray:
    """Transform targets as the steps around the network do."""
    if isinstance(fitted, Pipeline):
        return transform_target(fitted.steps[-1][1], y)
    if isinstance(fitted, TransformedTargetRegressor):
        learned = np.asarray(fitted.transformer_.transform(y.reshape(len(y), -1)))
        one = y.ndim == 1 and learned.ndim == 2 and learned.shape[1] == 1
        return transform_target(fitted.regressor_, learned[:, 0] if one else learned)
    return y


def inverse_target(fitted: Any, y: NDArray) -> NDArray:
    """Return targets in their own units: the inverse of `transform_target`."""
    if isinstance(fitted, Pipeline):
        return inverse_target(fitted.steps[-1][1], y)
    if isinstance(fitted, TransformedTargetRegressor):
        inner = inverse_target(fitted.regressor_, y)
        found = np.asarray(fitted.transformer_.inverse_transform(inner.reshape(len(inner), -1)))
        return found[:, 0] if inner.ndim == 1 and found.shape[1] == 1 else found
    return y


def surround(fitted: Any, network: Any, *, raw: bool = True) -> Any:
    """Return a copy of a fitted estimator with this network in it.

    Parameters
    ----------
    raw : bool, default=True
        Whether it takes the user's raw rows; if False, it takes rows returned by `transform_rows`, which only an estimator
        that `is_transparent` can do. Predictions are in the target's own units either way.
    """
    if isinstance(fitted, Pipeline):
        name, last = fitted.steps[-1]
        last = surround(last, network, raw=raw)
        if not raw:
            return last
        whole = copy(fitted)
        whole.steps = [*fitted.steps[:-1], (name, last)]
        return whole
    if isinstance(fitted, TransformedTargetRegressor):
        whole = copy(fitted)
        if raw:
            whole.regressor = surround(fitted.regressor, clone(network))
        if hasattr(fitted, "regressor_"):
            whole.regressor_ = surround(fitted.regressor_, network, raw=raw)
            if hasattr(whole.regressor_, "feature_names_in_"):
                whole.feature_names_in_ = whole.regressor_.feature_names_in_
        return whole
    return network
