"""The lines of a journal: Optuna's format, in a file that is looked at before anything in it is changed.

A line is one operation as a JSON object. What a file must be to count as a journal:

- its first line makes the study;
- every line that ends with a line break is an operation that studies have, with the fields that are needed;
- after the last line break there may be the beginning of a line, which a kill or a full disk has cut short. Only that is ever cut
  off, and it is kept in a file beside the journal.

Anything else is told with the number of the line, and the file stays as it is.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from search.errors import StudyError
from search.files import trouble, writing

MAKE_STUDY, NOTE, SYSTEM_NOTE, TRIAL = 0, 2, 3, 4
FIRST_NOTE = 2
"""The line of the first note on a study."""

OPERATIONS = {MAKE_STUDY, NOTE, SYSTEM_NOTE, TRIAL, *range(5, 11)}
"""Optuna's operations, but that which deletes a study: a journal is deleted as a file. Those from 5 change single trials: viewers
of journals may write them."""

BEGINNING = b'{"op_code":0,"worker_id":"'
"""How Optuna begins a journal: what a kill leaves of its first line is a part of that."""

OPERATION = b'{"op_code":'
"""How each line begins."""

LONGEST_FIRST = 1 << 16
"""Bytes of a first line: it holds two names. A longer one is of another file."""

STORE_SECONDS = 0.05
"""Trials that end faster than this are stored on the disk together: that takes a disk 2 to 9 ms each time."""

OVER = "move it away to start over"

Check = Callable[[Mapping[str, Any], int], None]
"""Raises ValueError, TypeError or LookupError if an operation, in a line of this number, is not as it must be."""


class Lines(BaseJournalBackend):
    """A journal's file, open as long as its study is.

    Parameters
    ----------
    path : Path
    writable : bool
        Whether lines will be appended: then a line that was cut short is cut off.
    check : callable
        Checks each line on top of what `Lines` checks itself.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    line : int
        Number of the line that was read last, from 1.
    trials : list of int
        Numbers of the lines with trials, in their order, when the file was opened.
    notes : dict of str to int
        Number of the line with the last note of each key, when the file was opened.
    last : dict
        The operation that was appended last.
    was_empty : bool
        Whether the file was there and had nothing in it.

    Raises
    ------
    StudyError
        If it is no journal, or is damaged.
    OSError
        If it cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        *,
        writable: bool,
        check: Check = lambda log, line: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self._writable, self._check, self.line = path, writable, check, 0
        self.trials: list[int] = []
        self.notes: dict[str, int] = {}
        self.was_empty = writable and path.exists() and path.stat().st_size == 0
        self._handle = writing.opened_to_append(path) if writable else writing.opened_to_read(path)
        if writable and (status := os.fstat(self._handle)).st_nlink > 1 and not status.st_size:
            os.close(self._handle)
            raise StudyError(f"{path} cannot be written: it is another name of an empty file elsewhere; {OVER}")
        self._file = open(self._handle, "rb", closefd=False)  # noqa: SIM115 - `close` closes it
        self._ends = [0]
        self.last: Mapping[str, Any] = {}
        self._clock, self._stored_at, self._stored = clock, -math.inf, 0
        try:
            whole, size = self._looked_at()
            if writable and whole < size:
                self._cut(whole)
            self._stored = whole if writable else 0
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; what is not on the disk yet is stored before."""
        self._file.close()
        if self._handle >= 0 and not self.is_stored:
            with suppress(OSError):
                os.fsync(self._handle)
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Return the operations from a number on, as far as their lines are whole."""
        for number in range(log_number_from, len(self._ends) - 1):
            yield self._parsed(number)
        while self._next():
            yield self._parsed(len(self._ends) - 2)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append operations, all of them or none.

        They are written at once, so a kill of the process loses none. They are stored on the disk at once, too, where a power cut
        loses none, but for trials that come faster than `STORE_SECONDS`: of these, the last ones are stored by `store`.

        Raises
        ------
        StudyError
            If they cannot be, or the file was deleted meanwhile.
        """
        content = b"".join(json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs)
        end = os.fstat(self._handle).st_size
        self._need_name()
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError as error:
            self._take_back(end)
            raise StudyError(trouble.told(error, self.path)) from error
        self.last = logs[-1]
        is_due = self._clock() - self._stored_at >= STORE_SECONDS
        if is_due or any(log["op_code"] != TRIAL for log in logs):
            self.store()

    def store(self) -> None:
        """Wait until all that was appended is on the disk.

        Raises
        ------
        StudyError
            If it cannot be stored; what was appended since the last time is gone then.
        """
        if self.is_stored:
            return
        try:
            os.fsync(self._handle)
        except OSError as error:
            self._take_back(self._stored)
            raise StudyError(trouble.told(error, self.path)) from error
        self._stored, self._stored_at = os.fstat(self._handle).st_size, self._clock()

    @property
    def is_stored(self) -> bool:
        """Whether all that was appended is on the disk."""
        return not self._writable or self._stored == os.fstat(self._handle).st_size

    def _take_back(self, end: int) -> None:
        """Cut off what could not be written or stored."""
        with suppress(OSError):
            os.ftruncate(self._handle, end)

    def damaged(self, reason: object, line: int | None = None) -> StudyError:
        """Return the error that a line, by default the one that was read last, is not as it must be."""
        told = " ".join(
            f"{type(reason).__name__}: {reason}".split() if isinstance(reason, Exception) else [str(reason)]
        )
        shown = told if len(told) <= 200 else f"{told[:200]}…"
        where = f"{self.path}" if self._writable else f"{self.path} cannot be read: it"
        return StudyError(f"{where} is damaged: line {line or max(self.line, 1)} ({shown}); {OVER}")

    # ------------------------------------------------------------------------------------------------------- looking at it

    def _looked_at(self) -> tuple[int, int]:
        """Check every line; return the number of bytes of whole lines, and of all."""
        whole = size = 0
        for number, line in enumerate(self._lines(), start=1):
            size += len(line)
            if number == 1 and not _begins(line):
                raise self.damaged("this is no journal: it does not begin with a study", 1)
            if line.endswith(b"\n"):
                whole = size
                self.line = number
                self._checked(line)
            elif not _is_cut_short(line):
                raise self.damaged("neither an operation nor the beginning of one", number)
        self.line = 0
        return whole, size

    def _lines(self) -> Iterator[bytes]:
        self._file.seek(0)
        first = self._file.readline(LONGEST_FIRST)
        if first:
            yield first
            yield from self._file

    def _checked(self, line: bytes) -> None:
        try:
            log = json.loads(line)
            if not isinstance(log, dict):
                raise TypeError("a line must be an object")
            _check(log, self.line)
            self._check(log, self.line)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise self.damaged(error) from None
        if log["op_code"] == TRIAL:
            self.trials.append(self.line)
        if log["op_code"] == NOTE:
            self.notes |= dict.fromkeys(log["user_attr"], self.line)

    def _cut(self, whole: int) -> None:
        """Cut off the beginning of a line; first, keep it in a file beside."""
        self._file.seek(whole)
        rest = self._file.read()
        beside = cut_off(self.path)
        handle = writing.opened_to_append(beside)
        try:
            os.write(handle, rest + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        os.ftruncate(self._handle, whole)

    # ------------------------------------------------------------------------------------------------------------ reading

    def _next(self) -> bool:
        """Find the end of one more line; return whether there is one."""
        self._file.seek(self._ends[-1])
        line = self._file.readline()
        if not line.endswith(b"\n"):
            return False
        self._ends.append(self._ends[-1] + len(line))
        return True

    def _parsed(self, number: int) -> dict[str, Any]:
        self._file.seek(self._ends[number])
        self.line = number + 1
        try:
            return dict(json.loads(self._file.readline()))
        except (ValueError, TypeError, RecursionError) as error:  # somebody else has written to it
            raise self.damaged(error) from None

    def _need_name(self) -> None:
        """Raise StudyError unless the path is still that of this file: what is written to a deleted one is lost."""
        with suppress(OSError):
            if os.path.samestat(os.fstat(self._handle), self.path.lstat()):
                return
        raise StudyError(
            f"{self.path} was deleted or replaced while its study was running; the trials until then are in MLflow"
        )


def cut_off(path: Path) -> Path:
    """Return the file that keeps what was cut off a journal."""
    return path.with_name(f"{path.name}.cut")


def is_cut(path: Path) -> bool:
    """Return whether a journal, which can be read, ends with the beginning of a line, or something was cut off it before."""
    with open(writing.opened_to_read(path), "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        ends = file.read(1) in (b"", b"\n")
    return not ends or cut_off(path).exists()


def has_whole(path: Path) -> bool:
    """Return whether what was cut off a journal has a line that is whole: that is nothing that a kill leaves."""
    try:
        with open(writing.opened_to_read(cut_off(path)), "rb") as file:
            return any(_is_whole(line.strip(b"\0\n")) for line in file)
    except FileNotFoundError:
        return False
    except (OSError, StudyError):  # no file of ours
        return True


def _is_whole(line: bytes) -> bool:
    """Return whether a line is more than the beginning of one."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return bool(line) and not _is_cut_short(line)
    return True


def drop_cut(path: Path) -> None:
    """Cut the beginning of a line off a journal, whose lock is held, and delete what was cut off.

    Raises
    ------
    StudyError
        If the journal is damaged, or cannot be written.
    """
    try:
        Lines(path, writable=True).close()
        if not has_whole(path):
            cut_off(path).unlink(missing_ok=True)
    except OSError as error:
        raise StudyError(trouble.told(error, path)) from None


def _begins(line: bytes) -> bool:
    """Return whether a first line makes a study, or is the beginning of one that does."""
    if not line.endswith(b"\n"):
        return BEGINNING.startswith(line) or line.startswith(BEGINNING)
    try:
        log = json.loads(line)
    except (ValueError, RecursionError):
        return line.startswith(BEGINNING)  # damaged, rather than something else
    return isinstance(log, dict) and "op_code" in log


def _is_cut_short(rest: bytes) -> bool:
    """Return whether what comes after the last line break is the beginning of an operation, and nothing more.

    Lines without a proper end, as in a file with the line ends of old Macs, are more. After a power cut, bytes of 0 may follow.
    """
    text = rest.rstrip(b"\0")
    if not (OPERATION.startswith(text) or text.startswith(OPERATION)) or any(byte < 0x20 for byte in text):
        return False
    try:
        written = text.decode(errors="replace")
        return json.JSONDecoder().raw_decode(written)[1] == len(written)
    except (ValueError, RecursionError):
        return True


def _check(log: Mapping[str, Any], line: int) -> None:
    """Check what every operation has."""
    code = log["op_code"]
    if isinstance(code, bool) or not isinstance(code, int) or code not in OPERATIONS:
        raise ValueError(f"unknown op_code {code!r}")
    if (code == MAKE_STUDY) != (line == 1):
        raise ValueError("the first line makes the study, and no other does")
    for name in ("worker_id", "study_name")[: 2 if code == MAKE_STUDY else 1]:
        if not isinstance(log[name], str):
            raise TypeError(f"{name} must be a text")
    study = {MAKE_STUDY: 0, NOTE: log.get("study_id"), SYSTEM_NOTE: log.get("study_id"), TRIAL: log.get("study_id")}
    if isinstance(study.get(code, 0), bool) or study.get(code, 0) != 0:
        raise ValueError(f"study_id {study[code]!r} is not the study of this journal")
    if code in (NOTE, SYSTEM_NOTE):
        noted = log["user_attr" if code == NOTE else "system_attr"]
        if not isinstance(noted, dict) or len(noted) != 1:
            raise TypeError("a note has one name and one value")
