"""What makes trials comparable: that of a journal beside that of a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search.errors import StudyError


def compare(known: Mapping[str, Any], identity: Mapping[str, Any], where: object, name: str) -> None:
    """Check that the trials of a journal are comparable with those of a study.

    Parameters
    ----------
    known, identity : mapping of str to JSON
        What makes trials comparable, in the journal and of the study.
    where : object
        The journal, as messages call it.
    name : str
        Of the study.

    Raises
    ------
    StudyError
        If they are not.
    """
    for key, value in identity.items():
        there = known.get(key)
        if key == "[data]" and isinstance(there, dict):  # journals had the path, too: the rows are the same on any path
            there = {name: each for name, each in there.items() if name != "source"}
        if there != value:
            raise StudyError(
                f"name = {name!r} is already used in {where} with another {key} ({_difference(there, value)}); "
                f"choose a new name, or delete that {_kind(where)} to start over"
            )


def _kind(where: object) -> str:
    return "file" if isinstance(where, Path) else "study"


def _difference(known: Any, given: Any) -> str:
    if isinstance(known, dict) and isinstance(given, dict):
        for key in {**known, **given}:
            if known.get(key) != given.get(key):
                return f"{key}: {_difference(known.get(key), given.get(key))}"
    return f"there {json.dumps(known)}, here {json.dumps(given)}"
