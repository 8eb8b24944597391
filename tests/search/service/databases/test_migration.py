"""Studies and queue move from files into PostgreSQL and back: everything is there, or everything is where it was."""

from contextlib import closing
from pathlib import Path

import pytest

from search.errors import StudyError
from search.loop import journal, moving
from search.loop.database.journal import DatabaseJournal
from search.loop.file_journal import path_of
from search.loop.journal import STUDIES, StudyStore
from search.project import store as project
from search.service.databases import copying, migration
from search.service.external.asking import Asking
from search.service.external.results import Told
from search.service.place import Place
from search.service.queue import Queue
from search.service.tokens import Tokens
from search.space import spaces
from search.trials.penalties import Feedback
from tests.search.postgresql import PASSWORD

pytestmark = pytest.mark.slow  # a server is started

SPACE = spaces.build({"rate": (1e-4, 1.0, "log"), "layers": [[8], [8, 4]]})
PARAMS = {"rate": 0.0123456789, "layers": [8, 4]}
EXTERNAL = 'name = "trees"\ndirection = "maximize"\nn_trials = 4\n[space]\ndepth = [1, 2, 3]\n'


def fill(address, name: str, make_outcome, first: int = 0, last: int = 4) -> None:
    store = StudyStore(address, name, {"[data]": name}, SPACE)
    for number in range(first, last):
        verdict = ("ok", "diverged", "stopped")[number % 3]
        state = {"ok": "complete", "diverged": "failed", "stopped": "pruned"}[verdict]
        store.record(make_outcome(number, verdict, params=PARAMS), Feedback(-0.5 - number, 0.25, state))
    store.note("more", {"a": [1, None, "ü"]})
    store.record_again(make_outcome(0, params=PARAMS))
    store.close()


@pytest.fixture
def filled(folder, make_outcome) -> dict[str, journal.Stored]:
    """A folder with three journals and a queue; what the journals hold."""
    STUDIES.mkdir(exist_ok=True)
    for name in ("a", "a.outer-1", "b"):
        fill(path_of(name, STUDIES), name, make_outcome)
    with closing(Queue(Place())) as queue, closing(Asking(queue)) as asking:
        queue.submit("a", "text", "f", owner="me", priority=2, about={"x": 1})
        asking.submit(EXTERNAL)
        (one, *_) = asking.ask("trees", 3)["trials"]
        asking.tell("trees", one["number"], Told(score=0.5))
        Tokens(queue).make("ann")
    return held(Path)


def held(kind, address: str = "") -> dict[str, journal.Stored]:
    names = ("a", "a.outer-1", "b", "trees")
    return {
        name: journal.read(path_of(name, STUDIES) if kind is Path else DatabaseJournal(address, name), None)
        for name in names
    }


def queued() -> tuple[list, list, list]:
    """Return what the queue holds, without numbers of rows."""
    with closing(Queue(Place())) as queue, queue.reading() as connection:
        names = {row["id"]: row["name"] for row in copying._rows(connection, copying.studies)}
        lent = [(names[row["study"]], row["number"], row["params"]) for row in copying._rows(connection, copying.asked)]
        tables = [
            [copying._plain(row) for row in copying._rows(connection, t)] for t in (copying.studies, copying.tokens)
        ]
        return *tables, lent


def test_there_and_back(filled, store, monkeypatch):
    before = queued()
    told = []
    moved = migration.to_store(store, told.append)
    assert (moved.studies, moved.trials, moved.queued) == (4, 13, 2)
    assert len(told) == 4
    assert PASSWORD not in "".join(told)
    assert held(DatabaseJournal, store) == filled
    assert not list(STUDIES.glob("*.journal*"))
    assert sorted(path.name for path in moved.folder.iterdir()) == [
        *("a.journal", "a.outer-1.journal", "b.journal", "queue.db", "trees.journal")
    ]
    monkeypatch.setenv(project.VARIABLE, store)
    assert queued() == before
    assert next(str(each) for each in journal.addresses()).startswith("study 'a' in postgresql")
    monkeypatch.delenv(project.VARIABLE)

    back = migration.to_folder(store)
    assert (back.studies, back.trials, back.queued, back.folder) == (4, 13, 2, None)
    assert held(Path) == filled
    assert queued() == before
    assert held(DatabaseJournal, store) == filled  # which keeps them


def test_a_study_goes_on_in_its_new_place(filled, store, make_outcome):
    migration.to_store(store)
    fill(DatabaseJournal(store, "a"), "a", make_outcome, 4, 6)
    migration.to_folder(store)
    fill(path_of("a", STUDIES), "a", make_outcome, 6, 8)
    migration.to_store(store)
    assert list(journal.read(DatabaseJournal(store, "a")).outcomes) == [*range(8)]


@pytest.mark.parametrize("after", [0, 1, 3, 6])
def test_what_was_interrupted_goes_on(filled, store, monkeypatch, after):
    """The copy ends after some trials, as by a kill; the second one completes it, and nothing is there twice."""
    fill_, left = moving._fill, [after]

    class Stopped(BaseException):
        pass

    def interrupted(content, opened):
        add = opened.add

        def counted(trial):
            if not left[0]:
                raise Stopped
            left[0] -= 1
            add(trial)

        opened.add = counted
        fill_(content, opened)

    with monkeypatch.context() as patch:
        patch.setattr(moving, "_fill", interrupted)
        with pytest.raises(Stopped):
            migration.to_store(store)
    assert held(Path) == filled
    moved = migration.to_store(store)
    assert (moved.studies, moved.trials) == (4, 13)
    assert held(DatabaseJournal, store) == filled


def test_moving_away_goes_on_where_it_was(filled, store, monkeypatch):
    rename, left = Path.rename, [2]

    def once(self, target):
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", once)
        with pytest.raises(StudyError, match="all studies were copied; run the same command again"):
            migration.to_store(store)
    moved = migration.to_store(store)
    assert moved.studies == 2
    assert len(list(moved.folder.iterdir())) == 5
    assert held(DatabaseJournal, store) == filled


def test_another_study_of_the_name_is_refused_before_anything_is_copied(filled, store, make_outcome):
    fill(DatabaseJournal(store, "b"), "b", make_outcome)
    with pytest.raises(
        StudyError, match=r"study 'b' in postgresql.* is another study of the name 'b'; rename or delete"
    ):
        migration.to_store(store)
    assert held(Path) == filled
    assert not DatabaseJournal(store, "a").exists()


def test_a_copy_that_has_gone_on_is_not_overwritten(filled, store, make_outcome):
    migration.to_store(store)
    migration.to_folder(store)
    fill(DatabaseJournal(store, "a"), "a", make_outcome, 4, 5)
    with pytest.raises(StudyError, match="has trials that are not to be copied, such as 4: it has gone on"):
        migration.to_store(store)
    assert path_of("a", STUDIES).exists()


def test_a_study_that_runs_is_refused(filled, store):
    with journal.held(path_of("a", STUDIES)), pytest.raises(StudyError, match=r"a\.journal is in use by a run"):
        migration.to_store(store)
    with (
        journal.held(DatabaseJournal(store, "a")),
        pytest.raises(StudyError, match=r"study .a. in .* is in use by a run"),
    ):
        migration.to_store(store)
    with closing(Queue(Place())) as queue:
        queue.act("a", "start")
    with pytest.raises(StudyError, match="study 'a' is running in the queue; stop it first: bpsearch pause a"):
        migration.to_store(store)


def test_a_service_that_runs_is_refused(filled, store):
    from search.files.locking import Lock

    lock = Lock(Place().lock)
    with pytest.raises(StudyError, match="a service runs in this folder; stop it first"):
        migration.to_store(store)
    lock.release()


@pytest.mark.parametrize("table", ["studies", "tokens"])
def test_another_row_of_a_name_is_refused(filled, store, table, monkeypatch):
    monkeypatch.setenv(project.VARIABLE, store)
    with closing(Queue(Place())) as queue:
        if table == "studies":
            queue.submit("a", "text", "another")
        else:
            Tokens(queue).make("ann")
    monkeypatch.delenv(project.VARIABLE)
    with pytest.raises(StudyError, match=f"the target has another one of the name .* among its {table}"):
        migration.to_store(store)
    assert Place().database.exists()
    assert held(Path) == filled


def test_a_copy_that_differs_moves_nothing_away(filled, store, monkeypatch):
    fill_ = moving._fill

    def changed(content, opened):
        fill_(content, opened)
        opened.note("more", "else")

    monkeypatch.setattr(moving, "_fill", changed)
    with pytest.raises(StudyError, match=r"differs from studies/a\.journal after the copy; both are kept"):
        migration.to_store(store)
    assert held(Path) == filled


def test_an_empty_folder(folder, store):
    assert migration.to_store(store) == migration.Moved(0, 0, 0)
    assert migration.to_folder(store) == migration.Moved(0, 0, 0)


def test_the_command(filled, store, command, monkeypatch):
    done = command("migrate", store)
    assert done.code == 0
    assert "moved: 4 journals with 13 trials, 2 queued studies" in done.out
    assert 'next:   write into bpsearch.toml: store = "postgresql://me@127.0.0.1:' in done.out
    assert PASSWORD not in done.out + done.err
    Path("bpsearch.toml").write_text(f'store = "{store}"\n')
    done = command("migrate", "--to-folder", "--json")
    assert done.document == {"studies": 4, "trials": 13, "queued": 2, "folder": None}


def test_the_command_needs_an_address(folder, command):
    assert "ADDRESS is missing, and bpsearch.toml names no store; allowed is postgresql://" in command("migrate").err
    assert "ADDRESS = 'mysql://host/db'; allowed is" in command("migrate", "mysql://host/db").err
