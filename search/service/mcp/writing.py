"""Tools that change something: they are there only if whoever starts the server has asked for it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from bpmodel.names.short import short
from search.errors import StudyError
from search.loop.journal import STUDIES
from search.service.data_copies import ENDINGS, Copies
from search.service.desk import Desk
from search.service.mcp.arguments import Name, Priority, Seconds, Tool, Trials
from search.service.place import Place
from search.service.rights import Rights
from search.service.submission import BUILT_IN, Resolve, Source
from search.study.data import SKLEARN_SETS
from search.tables.databases import is_address
from search.tables.files import COMPRESSIONS

OWNER = "assistant"
"""Whose the studies are that are submitted here."""

MOST_STUDIES = 20
"""Studies of `OWNER` that have not ended."""

MOST_TEXT = 100_000
WHERE = "[data] source"


class SubmitStudy(Tool):
    """Queue a study: a hyperparameter search for a neural network on a table. It is checked at once, and runs when the
    service has room.

    `toml` is a study file. The shortest one has a name and the table [data] with source, target and task; everything else
    has good defaults. Sources are sklearn:NAME (diabetes, iris, wine, digits, breast_cancer, linnerud; these have no target
    key) and tables in the current folder, such as data/prices.csv. Example:

    name = "prices"
    [data]
    source = "prices.csv"
    target = "price"
    task = "regression"
    [search]
    n_trials = 60
    [cv]
    n_splits = 5

    Names are letters, digits, ".", "_" and "-". To submit a known study again with another n_trials or timeout continues
    it; a study of another content needs a new name. The answer is its state; describe_study tells how it goes on.
    """

    WRITES: ClassVar[bool] = True

    toml: str = Field(max_length=MOST_TEXT, description="The text of a study file, in TOML.")
    priority: Priority | None = None
    n_trials: Trials | None = None
    timeout: Seconds | None = None

    def answer(self, desk: Desk) -> dict[str, Any]:
        return desk.submit_text(
            self.toml,
            resolver(desk.place, Path()),
            owner=OWNER,
            rights=Rights(most=MOST_STUDIES),
            priority=self.priority,
            n_trials=self.n_trials,
            timeout=self.timeout,
        )


class PauseStudy(Tool):
    """Stop a study until it is resumed; trials that have finished are kept. Allowed if it is queued or running."""

    WRITES: ClassVar[bool] = True

    name: Name

    def answer(self, desk: Desk) -> dict[str, Any]:
        return desk.act(self.name, "pause")


class ResumeStudy(Tool):
    """Queue a study again that is paused or has failed; it continues with the trials that it has."""

    WRITES: ClassVar[bool] = True

    name: Name

    def answer(self, desk: Desk) -> dict[str, Any]:
        return desk.act(self.name, "resume")


class CancelStudy(Tool):
    """End a study; its finished trials are kept. Ask the user before you cancel a study that you have not submitted."""

    WRITES: ClassVar[bool] = True
    ENDS: ClassVar[bool] = True

    name: Name

    def answer(self, desk: Desk) -> dict[str, Any]:
        return desk.act(self.name, "cancel")


class ChangeStudy(Tool):
    """Give a study another priority or budget: at least one of priority, n_trials and timeout. One that has ended goes on
    with it.
    """

    WRITES: ClassVar[bool] = True

    name: Name
    priority: Priority | None = None
    n_trials: Trials | None = None
    timeout: Seconds | None = None

    def answer(self, desk: Desk) -> dict[str, Any]:
        asked = {"priority": self.priority, "n_trials": self.n_trials, "timeout": self.timeout}
        given: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
        if not given:
            raise StudyError(f"nothing to change; allowed are {', '.join(asked)}")
        return desk.change(self.name, **given)


WRITING: dict[str, type[Tool]] = {
    "submit_study": SubmitStudy,
    "pause_study": PauseStudy,
    "resume_study": ResumeStudy,
    "cancel_study": CancelStudy,
    "change_study": ChangeStudy,
}
"""Tools that change something, by name."""


def resolver(place: Place, folder: Path) -> Resolve:
    """Return what maps the source of a study to a copy: built-in data sets, and tables inside of a folder.

    Tables are files with a name as tables have it, which are not hidden, nor links, and not the service's own.
    """
    copies = Copies(place.made().data)

    def resolve(source: str) -> Source:
        if source.startswith(BUILT_IN):
            return _built_in(source)
        path = Path(source)
        if problem := "is an address" if is_address(source) else _problem(path, folder):
            raise StudyError(
                f"{WHERE} = {short(source)} {problem}; allowed are sklearn:NAME and tables inside of the current folder, "
                "such as data/prices.csv"
            )
        return Source.of_copy(copies.of_file(folder / path), place)

    return resolve


def _built_in(source: str) -> Source:
    if source.removeprefix(BUILT_IN) not in SKLEARN_SETS:
        allowed = ", ".join(f"{BUILT_IN}{name}" for name in SKLEARN_SETS)
        raise StudyError(f"{WHERE} = {short(source)}; allowed are {allowed}")
    return Source(source)


def _problem(path: Path, folder: Path) -> str:
    """Return why a file is no source; empty if it is one."""
    if path.is_absolute() or ".." in path.parts:
        return "is outside of the current folder"
    if any(part.startswith(".") for part in path.parts):
        return "is hidden"
    if path.parts[: len(STUDIES.parts)] == STUDIES.parts:
        return "is in the folder of the studies"
    if not _is_table(path):
        return "is no table by its name"
    return _problem_of_file(path, folder)


def _is_table(path: Path) -> bool:
    endings = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSIONS]
    return bool(endings) and endings[-1] in ENDINGS


def _problem_of_file(path: Path, folder: Path) -> str:
    try:
        if (folder / path).resolve(strict=True) != folder.resolve() / path:
            return "is a link"
        status = os.lstat(folder / path)
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
        return "cannot be read"
    return "" if stat.S_ISREG(status.st_mode) else "is no file"
