"""Routing of the arguments of `fit` to estimator, scorer and splitter."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import sklearn
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from search import scorers


class Routed(NamedTuple):
    """Arguments for each consumer."""

    fit: Mapping[str, Any]
    score: Mapping[str, Any]
    split: Mapping[str, Any]


def route(search: Any, scorer: Any, params: Mapping[str, Any]) -> Routed:
    """Distribute the arguments of `fit` as scikit-learn's searches do.

    With metadata routing, each consumer gets what it requests. Without it, `groups` goes to the splitter and everything
    else to the estimator's `fit`; `sample_weight` also goes to the scorer, if it accepts weights.

    Parameters
    ----------
    search : BPSearchCV
        Its `get_metadata_routing` is called.
    scorer : callable
    params : dict

    Warns
    -----
    UserWarning
        If there are weights that the scorer does not accept.
    """
    if routing_enabled():
        routed = process_routing(search, "fit", **params)
        return Routed(routed.estimator.fit, routed.scorer.score, routed.splitter.split)
    fit = {name: value for name, value in params.items() if name != "groups"}
    weight = params.get("sample_weight")
    weighted = weight is not None and _takes_weights(scorer)
    return Routed(fit, {"sample_weight": weight} if weighted else {}, {"groups": params.get("groups")})


def router(search: Any, scorer: Any) -> MetadataRouter:
    """Return the router of a search, for its `get_metadata_routing`."""
    fit_to_fit, fit_to_split = (MethodMapping().add(caller="fit", callee=callee) for callee in ("fit", "split"))
    to_score = MethodMapping().add(caller="score", callee="score").add(caller="fit", callee="score")
    return (
        MetadataRouter(owner=search)
        .add(estimator=search.estimator, method_mapping=fit_to_fit)
        .add(scorer=scorer, method_mapping=to_score)
        .add(splitter=search.cv, method_mapping=fit_to_split)
    )


def score_params(search: Any, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of `score` that are passed to the scorer.

    Raises
    ------
    ValueError
        If there are any arguments without metadata routing.
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
    """Return whether scikit-learn's metadata routing is enabled."""
    return bool(sklearn.get_config()["enable_metadata_routing"])


def _takes_weights(scorer: Any) -> bool:
    """Return whether a scorer, or any of several, accepts weights; warn about those that do not."""
    known = scorers.parts(scorer)
    parts = [scorer] if known is None else list(known.values())
    taking = [scorers.accepts_weights(part) for part in parts]
    for part, takes in zip(parts, taking, strict=True):
        if not takes:
            warnings.warn(
                f"{part} does not support sample_weight: its scores are not weighted", UserWarning, stacklevel=4
            )
    return any(taking)
