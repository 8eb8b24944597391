"""What a study may be called: its name is also that of an experiment, a registered model, a journal and a folder."""

from __future__ import annotations

import re
import unicodedata

from bpmodel.names.visible import visible
from search.errors import StudyError

MOST_BYTES = 200
"""Names of files have at most 255 bytes, and the name of a search method, ``.outer-10.journal.lock`` and the like follow."""

OF_MLFLOW = "default"
"""The experiment that MLflow makes by itself: runs of other programs are in it. Some databases do not tell it from "Default"."""

OF_WINDOWS = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
"""Devices, whatever follows the point."""

OF_FOLDS = re.compile(r".*\.outer-[0-9]+", re.IGNORECASE)
"""Names that nested cross-validation gives to the studies of outer folds; some systems of files ignore case."""

PUNCTUATION = "._-"
ALLOWED = (
    f"allowed are letters, digits, '.', '_' and '-', up to {MOST_BYTES} bytes, beginning with a letter or "
    "digit and not ending in '.'"
)


def problem(name: object) -> str:
    """Return why a study cannot have a name; empty if it can.

    >>> problem("houses-2"), problem("房价"), problem("NUL.txt")
    ('', '', "Windows has a device of this name; allowed are others, such as 'NUL.txt-study'")
    >>> problem("wine.outer-1")
    "studies of outer folds have such names; allowed are others, such as 'wine.outer-1-study'"
    >>> problem("../a").partition(" up to")[0]
    "allowed are letters, digits, '.', '_' and '-',"
    """
    if not isinstance(name, str) or not _is_word(name) or len(name.encode(errors="replace")) > MOST_BYTES:
        return ALLOWED
    other = f"allowed are others, such as '{name}-study'"
    if name.casefold() == OF_MLFLOW:
        return f"MLflow has an experiment of this name for the runs of other programs; {other}"
    if OF_FOLDS.fullmatch(name):
        return f"studies of outer folds have such names; {other}"
    return f"Windows has a device of this name; {other}" if OF_WINDOWS.fullmatch(name) else ""


def _is_word(name: str) -> bool:
    known = all(c in PUNCTUATION or unicodedata.category(c)[0] in "LMN" for c in name) and visible(name) == name
    return bool(name) and known and name[0] not in ".-" and name[-1] != "." and unicodedata.category(name[0])[0] != "M"


def check_name(name: object, key: str) -> None:
    """Check that a study may have a name.

    Parameters
    ----------
    name : str
    key : str
        What the user calls it, for the message.

    Raises
    ------
    StudyError
        If it may not.

    Examples
    --------
    >>> check_name("Default", "study_name")
    Traceback (most recent call last):
    search.errors.StudyError: study_name = 'Default'; MLflow has an experiment of this name for the runs of other programs; \
allowed are others, such as 'Default-study'
    """
    if why := problem(name):
        raise StudyError(f"{key} = {shortened(name)!r}; {why}")


def shortened(name: object, most: int = 60) -> object:
    """Return a name as errors quote it: a long text is cut."""
    return f"{name[:most]}…" if isinstance(name, str) and len(name) > most else name
