"""The record of finished trials: an Optuna journal, or memory.

Each finished trial is appended once, as one complete record: a killed process leaves no half-written trial, and a later
run resumes from the journal.
"""

from __future__ import annotations

import json
import math
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import filelock
import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial

from search.errors import StudyError
from search.loop.redaction import without_secrets
from search.samplers.optuna_terms import CONSTRAINT, STATES, finished, quiet
from search.space.spaces import Space
from search.trials.checkpoints import UNDEFINED
from search.trials.outcomes import Divergence, Outcome, pool
from search.trials.penalties import Feedback

STUDIES = Path("studies")
"""Folder of the journals of study files, in the current one."""

METRICS = ("metrics", "train_metrics")
"""Fields of an outcome with the scores of each fold by metric."""

AGAIN = "again"
"""Key of the study attribute that holds the reevaluations of the best trials."""


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
        self._path, self._space, self._axes = path, space, space.axes
        self._lock = None if path is None else _lock(path)
        try:
            with quiet():
                self._study = _open(path, name)
            self._check_identity(path, name, json.loads(json.dumps(identity)))
            known = _trials(self._study)
            self.outcomes = {t.user_attrs["number"]: _outcome(t, space, path) for t in known}
            self.feedback = {t.user_attrs["number"]: _feedback(t) for t in known}
            self.again = _again(self.notes, self.outcomes, path)
        except BaseException:
            self.close()
            raise

    def record(self, outcome: Outcome, feedback: Feedback) -> None:
        """Append a finished trial and the feedback that the sampler got for it."""
        leaves = self._space.leaves(outcome.params)
        notes = {"number": outcome.number, "value": feedback.value, "outcome": json.dumps(_inert(outcome))}
        self._study.add_trial(finished(leaves, self._axes, outcome, feedback, notes))
        self.outcomes[outcome.number] = outcome
        self.feedback[outcome.number] = feedback

    def record_again(self, outcome: Outcome) -> None:
        """Append a reevaluation of one of the best trials."""
        self.again.setdefault(outcome.number, []).append(outcome)
        self.note(AGAIN, {str(number): [_inert(outcome) for outcome in again] for number, again in self.again.items()})

    @property
    def settled(self) -> dict[int, Outcome]:
        """The outcomes by trial number; reevaluated trials are pooled over their evaluations."""
        return _settled(self.outcomes, self.again)

    @property
    def notes(self) -> dict[str, Any]:
        """The facts written by `note`."""
        return dict(self._study.user_attrs)

    def note(self, key: str, value: Any) -> None:
        """Store a fact about the whole study."""
        self._study.set_user_attr(key, value)

    def close(self) -> None:
        """Release the journal for other processes."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _check_identity(self, path: Path | None, name: str, identity: dict[str, Any]) -> None:
        known = self._study.user_attrs.get("identity")
        if known is None:
            self.note("id", uuid.uuid4().hex)
            self.note("identity", identity)
            return
        known.get("[data]", {}).pop("source", None)  # journals had the path, too: the rows are the same on any path
        for key, value in identity.items():
            if known.get(key) != value:
                raise StudyError(
                    f"name = {name!r} is already used in {path} with another {key} ({_difference(known.get(key), value)}); "
                    "choose a new name, or delete that file to start over"
                )


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
    """

    name: str
    notes: dict[str, Any]
    outcomes: dict[int, Outcome]
    when: float


def read(path: Path, space: Space | None = None) -> Stored | None:
    """Read a journal without a lock: its study may be running, and nothing is changed.

    Parameters
    ----------
    path : Path
    space : Space, optional
        Without it, outcomes have no hyperparameters.

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
        with quiet():
            storage = _storage(path)
            names = [study.study_name for study in storage.get_all_studies()]
            if not names:
                return None
            study = optuna.load_study(study_name=names[0], storage=storage)
        known = _trials(study)
        outcomes = {t.user_attrs["number"]: _outcome(t, space, path) for t in known}
        notes = dict(study.user_attrs)
    except StudyError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AssertionError) as error:
        raise StudyError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
    when = max((t.datetime_complete.timestamp() for t in known if t.datetime_complete), default=0.0)
    return Stored(names[0], notes, _settled(outcomes, _again(notes, outcomes, path)), when)


def running(path: Path) -> bool:
    """Return whether a run has this journal open."""
    beside = Path(f"{path}.lock")
    if not beside.exists():
        return False
    lock = filelock.FileLock(beside, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except (filelock.Timeout, OSError):
        return True
    lock.release()
    return False


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


def _trials(study: optuna.Study) -> list[FrozenTrial]:
    return sorted(study.get_trials(deepcopy=False), key=lambda t: t.user_attrs["number"])


def _outcome(trial: FrozenTrial, space: Space | None, path: Path | None) -> Outcome:
    params: Mapping[str, Any] = {}
    if space is not None:
        axes = space.axes
        params = space.assemble({name: axes[name].dimension.decode(code) for name, code in trial.params.items()})
    return _from_record(json.loads(trial.user_attrs["outcome"]), trial.user_attrs["number"], params, path)


def _again(notes: Mapping[str, Any], outcomes: Mapping[int, Outcome], path: Path | None) -> dict[int, list[Outcome]]:
    return {
        int(number): [_from_record(record, int(number), outcomes[int(number)].params, path) for record in records]
        for number, records in notes.get(AGAIN, {}).items()
    }


def _settled(outcomes: Mapping[int, Outcome], again: Mapping[int, list[Outcome]]) -> dict[int, Outcome]:
    return {number: pool(outcomes[number], again.get(number, [])) for number in sorted(outcomes)}


class _Held(JournalFileOpenLock):
    """A lock that is always free: `_lock` already holds the process's own lock while the store is open."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _lock(path: Path) -> filelock.BaseFileLock:
    """Lock the journal through a file beside it; the lock is released when the process ends, even if it is killed."""
    lock = filelock.FileLock(f"{path}.lock", thread_local=False)  # any thread may close the store
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise StudyError(f"{path} is in use by another run of this study; wait for it, or choose a new name") from None
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {error.strerror}; the finished trials are kept there") from None
    return lock


def _open(path: Path | None, name: str) -> optuna.Study:
    """Open a study or create it; an existing study is only read."""
    if path is None:
        return optuna.create_study(study_name=name, direction="maximize")
    try:
        _drop_cut_line(path)
        without_secrets(path)
        storage = _storage(path)
        if any(study.study_name == name for study in storage.get_all_studies()):
            return optuna.load_study(study_name=name, storage=storage)
        return optuna.create_study(study_name=name, storage=storage, direction="maximize")
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {error.strerror}; the finished trials are kept there") from None
    except (ValueError, LookupError, TypeError, AssertionError) as error:  # anything that Optuna raises on replay
        reason = f"{type(error).__name__}: {error}"
        raise StudyError(f"{path} is damaged ({reason}); move it away to start over") from None


def _storage(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.JournalStorage(JournalFileBackend(str(path), lock_obj=_Held(str(path))))


def _drop_cut_line(path: Path) -> None:
    """Drop a last line that a kill cut short; otherwise the next line would be appended to it."""
    if path.exists():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)
        for line in content[:whole].splitlines()[-1:]:
            json.loads(line)  # Optuna treats an unreadable last line as one that is still being written


def _feedback(trial: FrozenTrial) -> Feedback:
    (state,) = (name for name, known in STATES.items() if known is trial.state)
    return Feedback(float(trial.user_attrs["value"]), trial.constraints[CONSTRAINT], state)


def _inert(outcome: Outcome) -> dict[str, Any]:
    record = {f.name: getattr(outcome, f.name) for f in fields(outcome) if f.name not in ("number", "params")}
    record["divergence"] = outcome.divergence and asdict(outcome.divergence)
    record["curve"] = {epoch: _number(score) for epoch, score in outcome.curve.items()}
    for kind in METRICS:
        record[kind] = {name: [_number(v) for v in scores] for name, scores in record[kind].items()}
    record["losses"] = {name: [float(f"{v:.6g}") for v in values] for name, values in outcome.losses.items()}
    return record


def _from_record(record: dict[str, Any], number: int, params: Mapping[str, Any], path: Path | None) -> Outcome:
    """Rebuild an outcome from its record: the inverse of `_inert`.

    Raises
    ------
    StudyError
        If the record has a field that this version does not know.
    """
    divergence = record.pop("divergence")
    for kind, given in ((Outcome, record), (Divergence, divergence or {})):
        unknown = sorted(set(given) - {f.name for f in fields(kind)})
        if unknown:
            raise StudyError(
                f"{path}: trial {number} has {', '.join(unknown)}; allowed are the fields that this version of bpsearch knows. "
                "A newer version wrote this file: use that version, or move the file away to start over"
            )
    outcome = Outcome(
        number=number, params=params, divergence=Divergence(**divergence) if divergence else None, **record
    )
    curve = {int(epoch): UNDEFINED if _number(score) is None else score for epoch, score in outcome.curve.items()}
    metrics: Any = {
        kind: {name: [math.nan if v is None else v for v in scores] for name, scores in getattr(outcome, kind).items()}
        for kind in METRICS
    }
    return replace(outcome, curve=curve, **metrics)


def _number(value: float | None) -> float | None:
    """Return a number as JSON has it: None if it is not finite."""
    return value if value is not None and math.isfinite(value) else None


def _difference(known: Any, given: Any) -> str:
    if isinstance(known, dict) and isinstance(given, dict):
        for key in {**known, **given}:
            if known.get(key) != given.get(key):
                return f"{key}: {_difference(known.get(key), given.get(key))}"
    return f"there {json.dumps(known)}, here {json.dumps(given)}"
