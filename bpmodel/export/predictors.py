"""Estimators as ONNX operators: one row each, by their class; the outputs are named as the methods of the estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from bpmodel.ensembles import BPEnsembleClassifier, BPEnsembleRegressor
from bpmodel.estimators import BPClassifier, BPRegressor
from bpmodel.export import composition, networks
from bpmodel.export.flow import Flow, Numbers, joined, settled
from bpmodel.export.graph import Graph, divisible
from bpmodel.export.refusal import NotExportable
from bpmodel.export.targets import inverted

PREDICT, PROBABILITIES = "predict", "predict_proba"


def predict(estimator: Any, flow: Flow, graph: Graph) -> dict[str, tuple[Any, int]]:
    """Append the operators of a fitted estimator; return its outputs by name: type (str for texts) and number of dimensions.

    Raises
    ------
    NotExportable
        If it, or a part of it, has no row.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        flow = composition.steps(estimator, flow, graph)
        try:
            return predict(last, flow, graph)
        except NotExportable as error:
            raise NotExportable(f"step {name!r}: {error}") from None
    if type(estimator) in REGRESSORS:
        return _numbers(estimator, flow, graph)
    if type(estimator) in CLASSIFIERS:
        return _classes(estimator, flow, graph)
    names = ", ".join(kind.__name__ for kind in (*REGRESSORS, *CLASSIFIERS))
    raise NotExportable(
        f"{type(estimator).__name__} cannot be exported; can be: {names}, and a Pipeline that ends in one"
    )


def _regression(network: BPRegressor, flow: Flow, graph: Graph) -> tuple[str, int]:
    y = networks.outputs(network, flow, graph)
    if np.any(network._target_scale != 1):
        y = graph.add("Mul", y, divisible(network._target_scale, graph.dtype))
    if np.any(network._target_mean):
        y = graph.add("Add", y, network._target_mean)
    return y, network.n_outputs_


def _mean_regression(ensemble: BPEnsembleRegressor, flow: Flow, graph: Graph) -> tuple[str, int]:
    shared = _once(flow, graph)
    members = [_regression(network, shared, graph)[0] for network in ensemble.estimators_]
    return _mean(members, graph), ensemble.estimators_[0].n_outputs_


def _transformed(model: TransformedTargetRegressor, flow: Flow, graph: Graph) -> tuple[str, int]:
    inner = model.regressor_
    if isinstance(inner, Pipeline):
        flow, inner = composition.steps(inner, flow, graph), inner.steps[-1][1]
    if type(inner) not in REGRESSORS:
        names = ", ".join(kind.__name__ for kind in REGRESSORS)
        raise NotExportable(f"regressor: {type(inner).__name__} cannot be exported; can be: {names}")
    y, count = REGRESSORS[type(inner)](inner, flow, graph)
    return inverted(model.transformer_, y, graph), count


REGRESSORS: dict[type, Callable[[Any, Flow, Graph], tuple[str, int]]] = {
    BPRegressor: _regression,
    BPEnsembleRegressor: _mean_regression,
    TransformedTargetRegressor: _transformed,
}
"""Each returns predictions of shape (n, outputs) and the number of outputs."""


def _probabilities(network: BPClassifier, flow: Flow, graph: Graph) -> str:
    p = networks.outputs(network, flow, graph)
    if network._one_class:
        return graph.add("Add", graph.add("Mul", p, 0.0), 1.0)
    if network.n_outputs_ > 1:
        return p
    return graph.add("Concat", graph.add("Sub", 1.0, p), p, axis=1)


def _mean_probabilities(ensemble: BPEnsembleClassifier, flow: Flow, graph: Graph) -> str:
    shared = _once(flow, graph)
    return _mean([_probabilities(network, shared, graph) for network in ensemble.estimators_], graph)


CLASSIFIERS: dict[type, Callable[[Any, Flow, Graph], str]] = {
    BPClassifier: _probabilities,
    BPEnsembleClassifier: _mean_probabilities,
}
"""Each returns probabilities of shape (n, classes)."""


def _numbers(estimator: Any, flow: Flow, graph: Graph) -> dict[str, tuple[Any, int]]:
    y, count = REGRESSORS[type(estimator)](estimator, flow, graph)
    if count > 1:
        graph.name("Identity", [y], PREDICT)
        return {PREDICT: (graph.dtype, 2)}
    graph.name("Squeeze", [y, graph.constant(np.array([1]), graph.dtype)], PREDICT)
    return {PREDICT: (graph.dtype, 1)}


def _classes(estimator: Any, flow: Flow, graph: Graph) -> dict[str, tuple[Any, int]]:
    p = CLASSIFIERS[type(estimator)](estimator, flow, graph)
    graph.name("Identity", [p], PROBABILITIES)
    network = getattr(estimator, "estimators_", [estimator])[0]
    if network._label_binarizer.y_type_.startswith("multilabel"):
        graph.name("Cast", [graph.add("Greater", p, 0.5)], PREDICT, to=np.dtype(np.int64))
        return {PREDICT: (np.int64, 2), PROBABILITIES: (graph.dtype, 2)}
    labels = class_labels(estimator, graph.dtype)
    code = graph.add("ArgMax", p, axis=1, keepdims=0)
    graph.name("Gather", [graph.constant(labels, graph.dtype), code], PREDICT, axis=0)
    kind = str if labels.dtype.kind == "U" else graph.dtype if labels.dtype.kind == "f" else labels.dtype
    return {PREDICT: (kind, 1), PROBABILITIES: (graph.dtype, 2)}


def class_labels(estimator: Any, dtype: np.dtype) -> NDArray:
    """Return the classes as texts, int64, truth values or floats.

    Parameters
    ----------
    estimator : classifier
    dtype : dtype
        The precision of floats in the graph.

    Raises
    ------
    NotExportable
        If they are anything else, or a number that the graph would change.
    """
    given = np.asarray(estimator.classes_)
    alike = given.dtype != object or len({type(c) for c in given.tolist()}) == 1
    labels = np.array(given.tolist()) if given.dtype == object and alike else given
    if labels.dtype.kind not in "Uiufb":
        raise NotExportable(f"the classes {given.tolist()} cannot be exported; can be: texts, numbers, truth values")
    held = labels.astype(np.int64) if labels.dtype.kind in "iu" else labels
    held = labels.astype(dtype) if labels.dtype.kind == "f" else held
    for label, changed in zip(labels.tolist(), held.tolist(), strict=True):
        if label != changed:
            wider = "int64" if labels.dtype.kind in "iu" else "floats of double precision, with dtype='float64'"
            raise NotExportable(f"the class {label!r} would become {changed!r}; can be exported: {wider}")
    return held


def _once(flow: Flow, graph: Graph) -> Flow:
    """Return the rows as one matrix, which all members read."""
    whole = joined(flow, graph)
    return [Numbers(settled(whole, graph), whole.width)]


def _mean(tensors: list[str], graph: Graph) -> str:
    if len(tensors) == 1:
        return tensors[0]
    return graph.add("Div", graph.add("Sum", *tensors), float(len(tensors)))
