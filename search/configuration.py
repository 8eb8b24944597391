"""The single configuration of a study that `bpsearch cv` and `bpsearch diagnose` train."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from search import formatting
from search.study import study_file
from search.trials.pipeline import DEFAULTS

SETTING = re.compile(r"""(?:\[(?:[^][]|\[[^][]*\])*\]|"[^"]*"|'[^']*'|\S)+""")
"""One setting: text up to the next blank outside lists, nested lists and quotes."""


def typical(study: study_file.Study) -> dict[str, Any]:
    """Return for each entry of ``[space]`` its default if that lies there, otherwise the middle of the entry."""
    return study.space.typical(study_file.defaults(study) | DEFAULTS)


def changed(study: study_file.Study, params: Mapping[str, Any], arguments: list[str]) -> dict[str, Any]:
    """Return `params` with the changes of ``--set name=value …``, values as in a study file.

    Blanks separate settings, also within one argument: `make` passes all of them in one.

    Raises
    ------
    StudyError
        If a name is not a hyperparameter or a value is not allowed.
    """
    return {**params, **study_file.parse_values(study, SETTING.findall(" ".join(arguments)))}


def written(params: Mapping[str, Any]) -> str:
    """Format hyperparameters on one line.

    >>> written({"activation": "relu", "alpha": 0.012345678})
    'activation relu, alpha 0.0123'
    """
    return ", ".join(f"{name} {formatting.number(value)}" for name, value in params.items())
