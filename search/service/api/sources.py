"""What a study that arrives may name as its data, and how much of it: nothing that a client says becomes a path."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from bpmodel.names.short import listed, short
from search.errors import StudyError
from search.files import writing
from search.service.data_copies import PIECE, Copies, Copy
from search.service.limits import Limits
from search.service.place import Place
from search.service.submission import BUILT_IN, Resolve, Source
from search.spelling import did_you_mean
from search.study.data import SKLEARN_SETS
from search.study.study_file import Study
from search.tables import opening, sources
from search.tables.size import CHUNK

UPLOADED, SHARED = "data:", "shared:"

WHERE = "[data] source"


def resolver(place: Place, shared: Path | None = None) -> Resolve:
    """Return what maps the source of a study that arrives to one of the service's.

    Parameters
    ----------
    place : Place
    shared : Path, optional
        The folder whose files studies may name.

    Returns
    -------
    callable
        It raises StudyError for every other source, and says what is allowed.
    """
    copies = Copies(place.made().data)

    def resolve(source: str) -> Source:
        if source.startswith(BUILT_IN):
            return _built_in(source)
        if source.startswith(UPLOADED):
            return Source.of_copy(_uploaded(copies, source), place)
        if source.startswith(SHARED) and shared is not None:
            return Source.of_copy(_shared(copies, shared, source), place)
        kinds = ["sklearn:NAME", "data:SHA256 of what was uploaded", *(["shared:NAME"] if shared is not None else [])]
        raise StudyError(f"{WHERE} = {short(source)}; allowed are {', '.join(kinds)}: the service reads no other files")

    return resolve


def _built_in(source: str) -> Source:
    name = source.removeprefix(BUILT_IN)
    if name not in SKLEARN_SETS:
        allowed = ", ".join(f"{BUILT_IN}{known}" for known in SKLEARN_SETS)
        raise StudyError(f"{WHERE} = {short(source)}{did_you_mean(name, list(SKLEARN_SETS))}; allowed are {allowed}")
    return Source(source)


def _uploaded(copies: Copies, source: str) -> Copy:
    found = copies.find(source)
    if found is None:
        raise StudyError(
            f"{WHERE} = {short(source)}; no such table was uploaded; allowed are addresses that POST /v1/data returns"
        )
    return found


def _shared(copies: Copies, folder: Path, source: str) -> Copy:
    """Return a copy of a file of the shared folder. Its name is looked for among those that are there."""
    name, known = source.removeprefix(SHARED), files(folder)
    if name not in known:
        allowed = (
            f"allowed are {listed([f'{SHARED}{each}' for each in known])}"
            if known
            else "the shared folder has no files"
        )
        raise StudyError(f"{WHERE} = {short(source)}{did_you_mean(name, list(known))}; {allowed}")
    try:
        handle = os.open(known[name], os.O_RDONLY | writing.CAREFUL)
        with open(handle, "rb") as file:
            if problem := writing.misfit(known[name], os.fstat(handle)):
                raise StudyError(f"{WHERE} = {short(source)} {problem}")
            return copies.add(name, iter(lambda: file.read(PIECE), b""))
    except OSError as error:
        raise StudyError(f"{WHERE} = {short(source)} cannot be read: {error.strerror}") from None


def check_shared(folder: Path, place: Place) -> None:
    """Check that a folder may be shared.

    Raises
    ------
    StudyError
        If it is none, or one in which the service keeps what is its own, such as the token of whoever starts it.
    """
    if not folder.is_dir():
        raise StudyError(f"--data {folder} is no folder; allowed are folders with tables")
    own = place.folder.resolve()
    if own in (folder.resolve(), *folder.resolve().parents):
        raise StudyError(f"--data {folder} is the service's own; allowed are folders that hold nothing but tables")


def files(folder: Path) -> dict[str, Path]:
    """Return the files of a shared folder by name: no links, no folders, no hidden files.

    Raises
    ------
    StudyError
        If the folder cannot be read.
    """
    try:
        found = sorted(folder.iterdir())
        return {
            path.name: path for path in found if not path.name.startswith(".") and stat.S_ISREG(path.lstat().st_mode)
        }
    except OSError as error:
        raise StudyError(f"the shared folder cannot be read: {error.strerror}") from None


def check(study: Study, limits: Limits, n_trials: int | None = None, timeout: float | None = None) -> None:
    """Check that a study asks for no more than it may, before its rows are read as a table.

    Parameters
    ----------
    study : Study
        As it is stored: its source is a copy, or built in.
    limits : Limits
    n_trials, timeout : int and float, optional
        What the request asks for, in place of what the study file says.

    Raises
    ------
    StudyError
    """
    asked = study.search.n_trials if n_trials is None else n_trials
    if asked > limits.n_trials:
        raise StudyError(f"n_trials = {asked}; allowed here are whole numbers up to {limits.n_trials:,}")
    seconds = study.search.timeout if timeout is None else timeout
    if seconds is not None and seconds > limits.timeout:
        raise StudyError(f"timeout = {seconds:g}; allowed here are numbers up to {limits.timeout:g}, in seconds")
    if not study.data.source.startswith(BUILT_IN):
        problem = ""
        with suppress(OSError, ValueError, MemoryError):  # what cannot be read is told with its place, when it is read
            problem = _too_much(study, limits)
        if problem:
            raise StudyError(problem)


def _too_much(study: Study, limits: Limits) -> str:
    """Return how the table of a study is too large; empty if it is not."""
    path = study.path.parent / study.data.source
    if (count := unpacked(path, limits.unpacked_bytes)) > limits.unpacked_bytes:
        return f"{WHERE} unpacks to {count:,} bytes or more; allowed here are {limits.unpacked_bytes:,}"
    rows, columns = 0, 0
    pieces = sources.pieces(study.data.source, study.path.parent, study.data.asked)
    for frame in pieces.frames:
        rows, columns = rows + len(frame), len(pieces.names)
        if rows > limits.rows or rows * columns > limits.cells:
            return (
                f"{WHERE} has {rows:,} rows or more and {columns:,} columns; allowed here are {limits.rows:,} rows and "
                f"{limits.cells:,} cells: take a sample of its rows"
            )
    return ""


def unpacked(path: Path, most: int) -> int:
    """Return the bytes that a packed file unpacks to, counted up to a little more than `most`; of others, 0."""
    packer = opening.packer(path)
    if packer == "zip":  # a workbook is one, too
        with opening.raw(path) as file:
            return sum(member.file_size for member in opening.members(file))
    count = 0
    if packer is not None:
        with opening.opened(path) as file:
            while count <= most and (piece := file.read(CHUNK)):
                count += len(piece)
    return count
