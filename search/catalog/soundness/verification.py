"""The comparison of studies with the store, and the repair of what can be repaired safely."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from search.catalog import entries
from search.catalog.soundness import files, leftovers, models, runs
from search.catalog.soundness.kinds import KINDS
from search.catalog.soundness.subject import Finding, Subject
from search.errors import InUseError, StudyError
from search.loop import journal
from search.loop.journal import STUDIES, Address, Stored
from search.tracking import stores
from search.tracking.inventory import places, reading
from search.tracking.inventory.rows import Holding, Inventory

FOUND, REPAIRED, LEFT = "found", "repaired", "left"
"""What has become of a difference: it can be repaired, was, or could not be."""


@dataclass(frozen=True)
class Difference:
    """A difference and what has become of it.

    Attributes
    ----------
    finding : Finding
    state : str
        ``found``, ``repaired`` or ``left``.
    why : str
        Why it is left.
    """

    finding: Finding
    state: str
    why: str = ""


@dataclass
class Verified:
    """What was compared, and what differs.

    Attributes
    ----------
    studies : list of str
    trials : int
        Finished trials in their journals.
    running : list of str
        Studies that a process runs: they were left alone.
    differences : list of Difference
    """

    studies: list[str] = field(default_factory=list)
    trials: int = 0
    running: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing differs any more."""
        return all(each.state == REPAIRED for each in self.differences)


def verify(uri: str, names: Sequence[str] = (), *, repair: bool = False, folder: Path = STUDIES) -> Verified:
    """Compare studies with the store.

    Parameters
    ----------
    uri : str
        MLflow tracking URI.
    names : sequence of str
        Studies; by default all of the folder and of the store, and what kills have left there.
    repair : bool, default=False
        Whether what can be repaired safely is. Otherwise nothing is changed.
    folder : Path
        Of the journals.

    Raises
    ------
    StudyError
        If there is no such study, or the store cannot be read.
    """
    found = Verified()
    left = [each for each in leftovers.findings(uri, folder) if not names or each.study in names]
    found.differences += _dealt_with(leftovers.moved(uri), repair)
    for subject in _subjects(uri, names, folder, found):
        differing = list(_findings(subject))
        if repair and any(each.repair for each in differing):
            found.differences += _repaired(subject, folder, found)
        else:
            found.differences += [_as_found(each) for each in differing]
    found.differences += _dealt_with((each for each in left if each.study not in found.running), repair)
    return found


# ------------------------------------------------------------------------------------------------------------- comparison


def _subjects(uri: str, names: Sequence[str], folder: Path, found: Verified) -> Iterator[Subject]:
    """Yield the studies that nobody runs, with all that is known of each."""
    there = entries.journals(folder)
    locked = {
        name for name, paths in there.items() if any(map(journal.running, paths))
    }  # one may end while the store is read
    inventory = reading.read(uri, names or None, there)
    known = _known(there, inventory)
    if missing := [name for name in names if name not in known]:
        raise entries.unknown(uri, missing[0], _known(there, reading.read(uri, None, there)), folder)
    found.studies = [name for name in known if not names or name in names]
    subjects = []
    for name in found.studies:
        paths = there.get(name, ())
        if name in locked or any(map(journal.running, paths)):
            found.running.append(name)
        else:
            subjects.append(_subject(uri, name, paths, inventory))
    found.trials = sum(len(subject.digests) for subject in subjects)
    yield from _with_files(uri, subjects)


def _known(there: Collection[str], inventory: Inventory) -> list[str]:
    """Return the names of all studies that have a journal, or anything in the store."""
    return sorted({*there, *(name for name, holding in inventory.holdings.items() if holding.is_study)})


def _subject(uri: str, name: str, paths: tuple[Address, ...], inventory: Inventory) -> Subject:
    own = paths[:1] if paths and journal.at(paths[0]).name == name else ()
    stored, problem = _read(own[0]) if own else (None, "")
    parts = {path: _read(path) for path in paths if path not in own}
    holding = inventory.holdings.get(name) or Holding()
    return Subject(uri, name, paths, stored, problem, parts, holding, inventory)


def _read(path: Address) -> tuple[Stored | None, str]:
    """Return what a journal holds, or why it cannot be read."""
    try:
        return journal.read(path), ""
    except StudyError as error:
        return None, str(error)


def _with_files(uri: str, subjects: Sequence[Subject]) -> Iterator[Subject]:
    """Yield studies with what is known of the files of their runs and models: a server is asked for all of them at once."""
    asked = [run for subject in subjects for run in files.elsewhere(subject)]
    known = places.of_runs(uri, asked) if asked else {}
    whole = places.whole(uri, {v.place for subject in subjects for v in subject.holding.versions if v.result})
    yield from (replace(subject, files_of_runs=known, whole=whole) for subject in subjects)


def _findings(subject: Subject) -> Iterator[Finding]:
    """Yield the differences of a study; of a damaged journal nothing can be compared."""
    yield from files.of_journals(subject)
    if not subject.problem:
        yield from runs.findings(subject)
        yield from models.findings(subject)
        yield from files.of_runs(subject)
        yield from files.of_report(subject)


# ----------------------------------------------------------------------------------------------------------------- repair


def _as_found(finding: Finding) -> Difference:
    return Difference(finding, FOUND if finding.repair else LEFT, finding.why)


def _dealt_with(findings: Iterable[Finding], repair: bool) -> list[Difference]:
    """Return differences of no study, each repaired if that is wanted."""
    return [_tried(each) if repair and each.repair else _as_found(each) for each in findings]


def _tried(finding: Finding) -> Difference:
    """Repair something; an error is why it is left."""
    assert finding.repair is not None
    try:
        finding.repair()
    except StudyError as error:
        return Difference(finding, LEFT, str(error))
    except OSError as error:
        return Difference(finding, LEFT, error.strerror or type(error).__name__)
    return Difference(finding, REPAIRED)


def _repaired(subject: Subject, folder: Path, found: Verified) -> list[Difference]:
    """Repair a study while its journals are locked against other runs."""
    with ExitStack() as stack:
        try:
            for path in subject.files:
                stack.enter_context(journal.held(path))
            stores.settled_for(subject.uri, subject.name)
        except InUseError:
            found.running.append(subject.name)
            return []
        except StudyError as error:
            return [Difference(each, LEFT, str(error)) for each in _findings(subject)]
        return _in_turn(subject, folder)


def _in_turn(subject: Subject, folder: Path) -> list[Difference]:
    """Repair one kind after another, each from a new look: what was repaired may have changed what is left.

    What follows from a repair, such as a run that has to be written anew, and is repaired itself, is no difference of its own.
    """
    begun = left = list(_findings(_again(subject, folder)))
    done: dict[Finding, Difference] = {}
    while open_ones := [each for each in left if each.repair and each not in done]:
        first = min((each.kind for each in open_ones), key=list(KINDS).index)
        done |= {each: _tried(each) for each in open_ones if each.kind == first}
        left = list(_findings(_again(subject, folder)))
    gone = [Difference(each, REPAIRED) for each in begun if each not in left]
    return gone + [
        replace(done[each], state=LEFT, why=done[each].why or each.why) if each in done else _as_found(each)
        for each in left
    ]


def _again(subject: Subject, folder: Path) -> Subject:
    """Return a study as it is now."""
    inventory = reading.read(subject.uri, [subject.name])
    now = _subject(subject.uri, subject.name, entries.journals(folder).get(subject.name, ()), inventory)
    return next(_with_files(subject.uri, [now]))
