"""Keys of a study file that must fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.metrics import get_scorer_names

from bpmodel.names import hints
from bpmodel.names.short import short
from search.cv.kinds import KINDS, Scheme, default_kind
from search.errors import StudyError
from search.scorer_names import unknown
from search.space.dimensions import Layers
from search.space.spaces import Space
from search.study.keys import MOST_STEPS, CrossValidation, Data, File


def check(path: Path, file: File) -> None:
    """Check the keys of a study file against each other.

    Raises
    ------
    StudyError
        One line: file, key, value and what is allowed.
    """
    _check_scoring(path, file.cv.scoring)
    _check_data(path, file.data)
    _check_scheme(path, file)
    _check_forecast(path, file)


def scheme(data: Data, cv: CrossValidation) -> Scheme:
    """Return how rows are split into folds."""
    in_order = bool(data.time or data.lags)
    kind = cv.kind or default_kind(data.task, group=bool(cv.group), split=bool(cv.split), time=in_order)
    # with the minimum gap, the last training target is lag 1 of the first validation row
    gap = data.horizon - 1 if cv.gap is None else cv.gap
    return Scheme(kind, cv.n_splits, cv.shuffle, cv.repeats, gap, cv.group or cv.split)


def check_layers(path: Path, space: Space, fixed: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Check that each list of activations has one for each layer of some hidden_layer_sizes, and the other way round.

    Raises
    ------
    StudyError
        One line: file, key, value and what is allowed.
    """
    for one in space.members:
        sizes, activations = (
            list(one[name].extremes()) if name in one else [fixed.get(name, defaults[name])]
            for name in ("hidden_layer_sizes", "activation")
        )
        depths = [len(each) if isinstance(each, list | tuple) else 1 for each in sizes]
        if "hidden_layer_sizes" in one and isinstance(one["hidden_layer_sizes"], Layers):
            depths = list(one["hidden_layer_sizes"].layers.listed or ())
        named = [each for each in activations if not isinstance(each, str)]
        where = f"{path}: [{'space' if 'activation' in one else 'model'}] activation"
        for each in named:
            if len(each) not in depths:
                several = " or ".join(map(str, sorted(set(depths))[:MOST_DEPTHS]))
                raise StudyError(
                    f"{where} = {short(each)} is for {len(each)} hidden layers; hidden_layer_sizes has {several}"
                )
        lengths = {len(each) for each in named}
        if len(named) == len(activations) and (lost := [depth for depth in depths if depth not in lengths]):
            raise StudyError(f"{where} has no list for {lost[0]} hidden layers, which hidden_layer_sizes has")


MOST_DEPTHS = 5
"""The most numbers of layers that a message lists."""


def _check_scoring(path: Path, given: Any) -> None:
    """Raise unless [cv] scoring is the name of a scorer, or a list of different names."""
    names = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(name, str) for name in names) or given == [] or len(set(names)) < len(names):
        raise StudyError(
            f"{path}: [cv] scoring = {short(given)}; allowed are the name of a scikit-learn scorer and a list of different names"
        )
    for name in names:
        if name not in get_scorer_names():
            start = "" if isinstance(given, str) else f"{short(given)}: "
            raise StudyError(f"{path}: [cv] scoring = {start}{unknown(name)}")


def _check_data(path: Path, data: Data) -> None:
    """Raise unless [data] positive may be a class, and its marks in numbers are different."""
    if data.thousands is not None and data.thousands == data.decimal:
        raise StudyError(
            f"{path}: [data] thousands = {data.thousands!r} is also decimal; allowed are two different marks"
        )
    if not isinstance(data.positive, str | int | float | None):
        raise StudyError(f"{path}: [data] positive = {data.positive!r}; allowed are texts, numbers, true and false")
    if data.positive is not None and data.task != "classification":
        raise StudyError(f"{path}: [data] positive = {data.positive!r} needs task = 'classification'")


def _check_forecast(path: Path, file: File) -> None:
    """Raise unless the forecasting keys of [data] fit each other and the kind of cross-validation."""
    data, kind = file.data, scheme(file.data, file.cv).kind
    if data.lags is None:
        for key in sorted(data.model_fields_set & {"horizon", "exogenous"}):
            raise StudyError(f"{path}: [data] {key} = {getattr(data, key)!r} needs lags")
        return
    lags = data.lags if isinstance(data.lags, list) else [data.lags]
    if (
        not lags
        or len(set(map(str, lags))) < len(lags)
        or not all(type(lag) is int and 0 < lag <= MOST_STEPS for lag in lags)
    ):
        raise StudyError(
            f"{path}: [data] lags = {short(data.lags)}; allowed are a whole number from 1 to {MOST_STEPS} and a list of "
            "different ones"
        )
    if data.task != "regression":
        raise StudyError(f"{path}: [data] lags = {data.lags!r} needs task = 'regression'")
    if data.source.startswith("sklearn:"):
        raise StudyError(
            f"{path}: [data] lags = {data.lags!r} needs a file; the data sets of scikit-learn are not series"
        )
    if not KINDS[kind].forecasts:
        allowed = ", ".join(name for name, row in KINDS.items() if row.forecasts)
        raise StudyError(
            f"{path}: [cv] kind = {kind!r} would train on the future of a forecast; allowed with lags are {allowed}"
        )
    if file.cv.gap is not None and file.cv.gap < data.horizon - 1:
        raise StudyError(
            f"{path}: [cv] gap = {file.cv.gap} would train on targets that are not known yet; a horizon of {data.horizon} "
            f"needs at least {data.horizon - 1}"
        )


def _check_scheme(path: Path, file: File) -> None:
    """Raise unless the keys of [cv] fit the kind of cross-validation."""
    cv, name = file.cv, file.cv.kind
    if name is not None and name not in KINDS:
        raise StudyError(
            f"{path}: [cv] kind = {name!r}{hints.of_value('kind', name, KINDS)}; allowed are {', '.join(KINDS)}"
        )
    made = scheme(file.data, cv)
    kind = KINDS[made.kind]
    allowed = (*kind.keys, "scoring")
    for key in sorted(cv.model_fields_set - {"kind", *allowed}):
        raise StudyError(
            f"{path}: [cv] {key} = {getattr(cv, key)!r} is not supported by kind = {made.kind!r}; "
            f"allowed are {', '.join(allowed)}"
        )
    if kind.needs is not None and getattr(cv, kind.needs) is None:
        raise StudyError(f"{path}: [cv] kind = {made.kind!r} needs {kind.needs}, the name of a column")
    if kind.task not in (None, file.data.task):
        raise StudyError(f"{path}: [cv] kind = {made.kind!r} needs [data] task = {kind.task!r}")
    if made.repeats > 1 and not made.shuffled:
        raise StudyError(
            f"{path}: [cv] repeats = {made.repeats} needs shuffle = true; otherwise all repeats are the same"
        )
