"""The record of finished trials: an Optuna journal, or memory.

Each finished trial is appended once, as one complete record: a killed process leaves no half-written trial, and a later
run resumes from the journal.
"""

from __future__ import annotations

import json
import uuid
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from search.errors import InUseError, StudyError
from search.files import locking, trouble, writing
from search.files.locking import Lock
from search.loop import identity as identities
from search.loop import records
from search.loop.lines import NOTE, TRIAL, Lines
from search.loop.records import AGAIN
from search.loop.redaction import without_secrets
from search.samplers.optuna_terms import CONSTRAINT, STATES, finished, quiet
from search.space.spaces import Space
from search.trials.outcomes import Outcome, pool
from search.trials.penalties import Feedback

STUDIES = Path("studies")
"""Folder of the journals of study files, in the current one."""

ENDING = ".journal"

FINISHED = tuple(state.value for state in STATES.values())

DAMAGE = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    optuna.exceptions.OptunaError,
)
"""What Optuna and the space raise for lines that no study has written."""


class StudyStore:
    """The finished trials of one study, in an Optuna journal file or, without a path, in memory.

    Parameters
    ----------
    path : Path or None
        The journal file.
    name : str
        Name of the Optuna study in it.
    identity : dict of str to JSON
        What makes trials comparable: space, data, folds, scoring and so on. Each key is a name that the user knows.
    space : Space

    Raises
    ------
    StudyError
        If the journal cannot be written, is in use, is damaged, or belongs to a study with another identity.
    """

    def __init__(self, path: Path | None, name: str, identity: Mapping[str, Any], space: Space) -> None:
        self._space, self._axes = space, space.axes
        self._lock = None if path is None else _lock(path)
        self._lines: Lines | None = None
        try:
            if path is not None:
                self._lines = _lines(path, writable=True)
                if without_secrets(path):  # it is another file now
                    self._lines.close()
                    self._lines = _lines(path, writable=True)
            with quiet():
                self._study = _open(self._lines, name)
            self._check_identity(path, name, json.loads(json.dumps(identity)))
            self.outcomes = _outcomes(self._study, space, self._lines)
            self.feedback = _feedback(self._study, self._lines)
            self.again = _again(self.notes, self.outcomes, self._lines)
        except OSError as error:
            self.close()
            raise StudyError(trouble.told(error, path or name)) from None
        except BaseException:
            self.close()
            raise

    def record(self, outcome: Outcome, feedback: Feedback) -> None:
        """Append a finished trial and the feedback that the sampler got for it."""
        leaves = self._space.leaves(outcome.params)
        notes = {"number": outcome.number, "value": feedback.value, "outcome": json.dumps(records.inert(outcome))}
        self._study.add_trial(finished(leaves, self._axes, outcome, feedback, notes))
        self.outcomes[outcome.number] = outcome
        self.feedback[outcome.number] = feedback

    def record_again(self, outcome: Outcome) -> None:
        """Append a reevaluation of one of the best trials."""
        self.again.setdefault(outcome.number, []).append(outcome)
        self.note(
            AGAIN, {str(number): [records.inert(outcome) for outcome in again] for number, again in self.again.items()}
        )

    @property
    def was_empty(self) -> bool:
        """Whether there was a journal with nothing in it: then something else has emptied it."""
        return self._lines is not None and self._lines.was_empty

    @property
    def settled(self) -> dict[int, Outcome]:
        """The outcomes by trial number; reevaluated trials are pooled over their evaluations."""
        return records.settled(self.outcomes, self.again)

    @property
    def when(self) -> float:
        """When the last trial ended, as in `Stored`."""
        return max(_ended(self._study).values(), default=0.0)

    @property
    def notes(self) -> dict[str, Any]:
        """The facts written by `note`."""
        return dict(self._study.user_attrs)

    def note(self, key: str, value: Any) -> None:
        """Store a fact about the whole study."""
        self._study.set_user_attr(key, value)

    def close(self) -> None:
        """Release the journal for other processes."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _check_identity(self, path: Path | None, name: str, identity: dict[str, Any]) -> None:
        known = self._study.user_attrs.get("identity")
        if known is None and self._study.get_trials(deepcopy=False) and self._lines is not None:
            raise self._lines.damaged("its trials come before the note 'identity'", self._lines.trials[0])
        if known is None:
            self.note("id", uuid.uuid4().hex)
            self.note("identity", identity)
            return
        if "id" not in self._study.user_attrs and self._lines is not None:
            raise self._lines.damaged("the note 'id' is missing", 2)
        identities.compare(known, identity, path, name)


@dataclass(frozen=True)
class Stored:
    """What a journal holds.

    Attributes
    ----------
    name : str
    notes : dict
        The facts written by `StudyStore.note`.
    outcomes : dict of int to Outcome
        By trial number; reevaluated trials are pooled over their evaluations.
    when : float
        When the last trial ended, in seconds since 1970; 0 if there is none.
    ended : dict of int to float
        When each trial ended, by its number.
    first : dict of int to Outcome
        The first evaluation of each trial: that is what its run in a tracker has.
    feedback : dict of int to Feedback
        What the sampler got for each trial.
    """

    name: str
    notes: dict[str, Any]
    outcomes: dict[int, Outcome]
    when: float
    ended: Mapping[int, float] = field(default_factory=dict)
    first: Mapping[int, Outcome] = field(default_factory=dict)
    feedback: Mapping[int, Feedback] = field(default_factory=dict)


def read(path: Path, space: Space | None = None, identity: Mapping[str, Any] | None = None) -> Stored | None:
    """Read a journal without a lock: its study may be running, and nothing is changed.

    Parameters
    ----------
    path : Path
    space : Space, optional
        Without it, outcomes have no hyperparameters.
    identity : dict of str to JSON, optional
        What makes trials comparable, if those of another one must be refused.

    Returns
    -------
    Stored or None
        None if it has no study yet.

    Raises
    ------
    StudyError
        If it cannot be read.
    """
    try:
        lines = _lines(path, writable=False)
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror}") from None
    with closing(lines), quiet():
        storage = _storage(lines)
        names = [study.study_name for study in storage.get_all_studies()]
        if not names:
            return None
        study = optuna.load_study(study_name=names[0], storage=storage)
        notes = dict(study.user_attrs)
        if identity is not None and "identity" in notes:
            identities.compare(notes["identity"], json.loads(json.dumps(identity)), path, names[0])
        outcomes = _outcomes(study, space, lines)
        again = _again(notes, outcomes, lines)
        with _replaying(lines):
            ended = _ended(study)
        told = _feedback(study, lines)
    when = max(ended.values(), default=0.0)
    return Stored(names[0], notes, records.settled(outcomes, again), when, ended, outcomes, told)


def _ended(study: optuna.Study) -> dict[int, float]:
    """Return when each trial ended, in seconds since 1970."""
    dated = ((t.user_attrs["number"], t.datetime_complete) for t in _trials(study))
    return {number: when.timestamp() for number, when in dated if when}


def path_of(name: str, folder: Path = STUDIES) -> Path:
    """Return the journal of a study.

    >>> path_of("wine").as_posix()
    'studies/wine.journal'
    """
    return folder / f"{name}{ENDING}"


def running(path: Path) -> bool:
    """Return whether a run has this journal open."""
    return locking.held(beside(path))


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep other runs away from a journal.

    Raises
    ------
    StudyError
        If one has it open.
    """
    lock = _lock(path)
    try:
        yield
    finally:
        lock.release()


def beside(path: Path) -> Path:
    """Return the file of the lock of a journal."""
    return path.with_name(f"{path.name}.lock")


def _outcomes(study: optuna.Study, space: Space | None, lines: Lines | None) -> dict[int, Outcome]:
    """Return the outcomes of all trials by their numbers, in the order of these."""
    found: dict[int, Outcome] = {}
    for place, trial in enumerate(_trials(study)):
        with _replaying(lines, _line(lines, place)):
            outcome = _outcome(trial, space, None if lines is None else lines.path)
            found[outcome.number] = outcome
    sizes = Counter(len(o.fold_scores) for o in found.values() if o.fold_scores)
    usual = max(sizes, key=sizes.__getitem__, default=0)
    for place, outcome in enumerate(found.values()):
        if lines is not None and len(outcome.fold_scores) not in (0, usual):
            told = f"trial {outcome.number} has scores of {len(outcome.fold_scores)} folds, others of {usual}"
            raise lines.damaged(told, _line(lines, place))
    return {number: found[number] for number in sorted(found)}


def _line(lines: Lines | None, place: int) -> int | None:
    """Return the number of the line of a trial; None if it was not there when the file was looked at."""
    return lines.trials[place] if lines is not None and place < len(lines.trials) else None


def _trials(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False)


def _outcome(trial: FrozenTrial, space: Space | None, path: Path | None) -> Outcome:
    params: Mapping[str, Any] = {}
    if space is not None:
        axes = space.axes
        params = space.assemble({name: axes[name].dimension.decode(code) for name, code in trial.params.items()})
    return records.from_record(json.loads(trial.user_attrs["outcome"]), trial.user_attrs["number"], params, path)


def _again(notes: Mapping[str, Any], outcomes: Mapping[int, Outcome], lines: Lines | None) -> dict[int, list[Outcome]]:
    path, line = (None, None) if lines is None else (lines.path, lines.notes.get(AGAIN))
    with _replaying(lines, line):
        found = {
            int(number): [
                records.from_record(again, int(number), outcomes[int(number)].params, path) for again in given
            ]
            for number, given in notes.get(AGAIN, {}).items()
        }
        for number, evaluations in found.items():
            pool(outcomes[number], evaluations)  # they must be of the same folds and metrics
    return found


def _lock(path: Path) -> Lock:
    """Lock the journal through a file beside it; the lock is released when the process ends, even if it is killed."""
    try:
        writing.made(path.parent)
        return Lock(beside(path))
    except BlockingIOError:
        raise InUseError(f"{path} is in use by another run of this study; wait for it, or choose a new name") from None
    except StudyError as error:
        raise StudyError(f"{path} cannot be written: {error}") from None
    except OSError as error:
        raise StudyError(trouble.told(error, path)) from None


def _open(lines: Lines | None, name: str) -> optuna.Study:
    """Open a study or create it; an existing study is only read."""
    if lines is None:
        return optuna.create_study(study_name=name, direction="maximize")
    storage = _storage(lines)
    names = [study.study_name for study in storage.get_all_studies()]
    if names and names != [name]:
        raise StudyError(f"{lines.path} holds the study {names[0]!r}, not {name!r}; move it away to start over")
    if names:
        return optuna.load_study(study_name=name, storage=storage)
    return optuna.create_study(study_name=name, storage=storage, direction="maximize")


def _lines(path: Path, *, writable: bool) -> Lines:
    numbers: dict[int, int] = {}  # lines of trials, by their numbers

    def check(log: Mapping[str, Any], line: int) -> None:
        if log["op_code"] == NOTE:
            ((key, value),) = log["user_attr"].items()
            records.check_note(key, value)
        if log["op_code"] == TRIAL:
            number = _check_trial(log)
            if number in numbers:
                raise ValueError(f"trial {number} stands in line {numbers[number]}, too")
            numbers[number] = line

    return Lines(path, writable=writable, check=check)


def _check_trial(log: Mapping[str, Any]) -> int:
    """Check what is needed of a finished trial; return its number."""
    noted = log["user_attrs"]
    number, value, outcome = noted["number"], noted["value"], noted["outcome"]
    if not (records.count(number) and records.number(value) and records.text(outcome)):
        raise ValueError("number, value or outcome of a trial is of another kind")
    if log["state"] not in FINISHED:
        raise ValueError(f"a trial in a journal is finished; state {log['state']!r} is not")
    return int(number)


def _storage(lines: Lines) -> Any:
    """Replay a journal.

    Raises
    ------
    StudyError
        If that fails; the message has the line.
    """
    with warnings.catch_warnings(), _replaying(lines):
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.JournalStorage(lines)


@contextmanager
def _replaying(lines: Lines | None, line: int | None = None) -> Iterator[None]:
    """Say which line it was that Optuna, a dimension of the space or an outcome could not be made from."""
    try:
        yield
    except StudyError:
        raise
    except DAMAGE as error:
        if lines is None:
            raise
        raise lines.damaged(error, line) from None


def _feedback(study: optuna.Study, lines: Lines | None) -> dict[int, Feedback]:
    found = {}
    for place, trial in enumerate(_trials(study)):
        with _replaying(lines, _line(lines, place)):
            (state,) = (name for name, known in STATES.items() if known is trial.state)
            constraint = float(trial.constraints[CONSTRAINT])
            found[trial.user_attrs["number"]] = Feedback(float(trial.user_attrs["value"]), constraint, state)
    return {number: found[number] for number in sorted(found)}
