"""Class weights of a study: their keys, which are texts in a file, become classes of the target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from search import classes
from search.errors import StudyError
from search.study.data import Dataset
from search.study.study_file import Study

NAME = "class_weight"


def converters(
    study: Study, dataset: Dataset, searched: Mapping[str, Iterable[Any]], *, strict: bool = True
) -> dict[str, Callable[[Any], Any]]:
    """Return what turns the class weights of trials into those of the network; empty for regression.

    Parameters
    ----------
    study : Study
    dataset : Dataset
    searched : dict
        The parameters that trials set, with their values.
    strict : bool, default=True
        Whether each key must be a class; if not, others are left out: the rows of an outer fold may lack a class.

    Raises
    ------
    StudyError
        If a key is no class, two keys are the same class, or a weight is not a number from 0.
    """
    if study.data.task != "classification":
        return {}
    known = np.unique(dataset.y).tolist()
    if strict:
        for table, values in (("model", [study.model.get(NAME)]), ("space", searched.get(NAME, ()))):
            for value in values:
                if isinstance(value, Mapping):
                    _check(f"{study.path}: [{table}] {NAME}", known, value)
    return {NAME: partial(of_classes, known)}


def of_classes(known: Sequence[Any], value: Any) -> Any:
    """Return class weights by class; those that are not a mapping stay as they are.

    Classes without a weight have the weight 1, as in scikit-learn; it wants them written out if the rows lack a weighted class.

    >>> of_classes([0, 1, 2], {"0": 1.0, "1": 5.0}), of_classes([False, True], {"true": 2.0}), of_classes([0, 1], "balanced")
    ({0: 1.0, 1: 5.0, 2: 1.0}, {False: 1.0, True: 2.0}, 'balanced')
    """
    if not isinstance(value, Mapping):
        return value
    found = {classes.find(known, key): weight for key, weight in value.items()}
    return {c: found.get(c, 1.0) for c in known}


def _check(where: str, known: Sequence[Any], weights: Mapping[str, Any]) -> None:
    found: dict[Any, str] = {}
    for key, weight in weights.items():
        name = classes.find(known, key)
        if name is None:
            raise StudyError(f"{where} has {key!r}, which is no class of the target; the classes are {_named(known)}")
        if name in found:
            raise StudyError(f"{where} has {found[name]!r} and {key!r}, which are the same class; keep one of the two")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            raise StudyError(f"{where}: {key} = {weight!r}; allowed are numbers from 0")
        found[name] = key


def _named(known: Sequence[Any]) -> str:
    shown = classes.names(known[:20])
    return shown if len(known) <= 20 else f"{shown}, … ({len(known)} classes)"
