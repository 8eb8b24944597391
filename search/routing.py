"""Which of the arguments of `fit` go to the estimator, the scorer and the splitter."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import sklearn
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing


class Routed(NamedTuple):
    """Arguments for each consumer."""

    fit: Mapping[str, Any]
    score: Mapping[str, Any]
    split: Mapping[str, Any]


def route(search: Any, scorer: Any, params: Mapping[str, Any]) -> Routed:
    """Share out the arguments of `fit` as scikit-learn's searches do.

    With metadata routing each consumer gets what it requests. Without, `groups` goes to the splitter and everything else to
    the estimator's `fit`; `sample_weight` goes to the scorer as well, if it takes that.

    Parameters
    ----------
    search : BPSearchCV
        Its `get_metadata_routing` is asked.
    scorer : callable
    params : dict

    Warns
    -----
    UserWarning
        If there are weights that the scorer does not take.
    """
    if routing_enabled():
        routed = process_routing(search, "fit", **params)
        return Routed(routed.estimator.fit, routed.scorer.score, routed.splitter.split)
    fit = {name: value for name, value in params.items() if name != "groups"}
    weight = params.get("sample_weight")
    weighted = weight is not None and _takes_weights(scorer)
    return Routed(fit, {"sample_weight": weight} if weighted else {}, {"groups": params.get("groups")})


def router(search: Any, scorer: Any) -> MetadataRouter:
    """Return what a search passes on, for its `get_metadata_routing`."""
    fit_to_fit, fit_to_split = (MethodMapping().add(caller="fit", callee=callee) for callee in ("fit", "split"))
    to_score = MethodMapping().add(caller="score", callee="score").add(caller="fit", callee="score")
    return (
        MetadataRouter(owner=search)
        .add(estimator=search.estimator, method_mapping=fit_to_fit)
        .add(scorer=scorer, method_mapping=to_score)
        .add(splitter=search.cv, method_mapping=fit_to_split)
    )


def score_params(search: Any, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of `score` that its scorer gets.

    Raises
    ------
    ValueError
        If there are any without metadata routing.
    """
    if routing_enabled():
        return process_routing(search, "score", **params).scorer.score
    if params:
        raise ValueError(
            f"{', '.join(params)} passed to {type(search).__name__}.score: that is only supported if "
            "enable_metadata_routing=True, which sklearn.set_config sets"
        )
    return {}


def routing_enabled() -> bool:
    """Say whether scikit-learn's metadata routing is switched on."""
    return bool(sklearn.get_config()["enable_metadata_routing"])


def _takes_weights(scorer: Any) -> bool:
    """Say whether a scorer takes weights, or one of several does; warn of those that do not."""
    parts = list(scorer._scorers.values()) if isinstance(scorer, _MultimetricScorer) else [scorer]
    taking = [_takes(part) for part in parts]
    for part, takes in zip(parts, taking, strict=True):
        if not takes:
            warnings.warn(
                f"{part} does not support sample_weight: its scores are not weighted", UserWarning, stacklevel=4
            )
    return any(taking)


def _takes(scorer: Any) -> bool:
    if hasattr(scorer, "_accept_sample_weight"):
        return scorer._accept_sample_weight()
    return "sample_weight" in inspect.signature(scorer).parameters
