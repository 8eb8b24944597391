"""The one configuration of a study that `bpsearch cv` and `bpsearch diagnose` train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.results import report
from search.study import study_file


def first_values(study: study_file.Study) -> dict[str, Any]:
    """Return the first value of each entry of ``[space]``."""
    return next(study.space.grid_points())


def changed(study: study_file.Study, params: Mapping[str, Any], settings: list[str]) -> dict[str, Any]:
    """Return `params` with what ``--set`` says; a text is ``name=value``, its value as in a study file.

    Raises
    ------
    StudyError
        If a name is no hyperparameter or a value is not allowed.
    """
    return {**params, **study_file.parse_values(study, settings)}


def written(params: Mapping[str, Any]) -> str:
    """Return hyperparameters in one line.

    >>> written({"activation": "relu", "alpha": 0.012345678})
    'activation relu, alpha 0.0123'
    """
    return ", ".join(f"{name} {report.number(value)}" for name, value in params.items())
