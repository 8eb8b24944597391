"""A command that takes long says so, on the error stream."""

import sys
import threading

import pytest

from search import cli
from search.commands import list as verb
from search.commands import ui
from search.terminal import at_work, leaving

PATIENCE = 60


@pytest.fixture
def said(monkeypatch) -> threading.Event:
    """Return an event that is set once a line is written, which is due at once."""
    event = threading.Event()
    monkeypatch.setattr(at_work, "WAIT", 0.01)

    def tell(text):
        print(text, file=sys.stderr)
        event.set()

    monkeypatch.setattr(leaving, "tell", tell)
    return event


def working() -> bool:
    return any(thread.name == at_work.NAME for thread in threading.enumerate())


def test_a_command_that_takes_long_says_so(said, monkeypatch, capsys):
    monkeypatch.setattr(verb, "run", lambda options, console: 0 if said.wait(PATIENCE) else 1)
    assert cli.main(["list"]) == 0
    assert not working()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("list: still at work, for 0:00\n")


@pytest.mark.parametrize(("run", "arguments"), [(verb, ["list", "--quiet"]), (ui, ["ui"])])
def test_a_command_that_is_quiet_or_shows_progress_does_not(monkeypatch, run, arguments):
    seen = []
    monkeypatch.setattr(run, "run", lambda options, console: seen.append(working()) or 0)
    assert cli.main(arguments) == 0
    assert seen == [False]


def test_an_error_ends_it(said, monkeypatch):
    def run(options, console):
        assert said.wait(PATIENCE)
        raise ZeroDivisionError

    monkeypatch.setattr(verb, "run", run)
    assert cli.main(["list"]) == 1
    assert not working()


def test_a_closed_terminal_does_not_end_it(monkeypatch):
    tried = threading.Semaphore(0)

    def tell(text):
        tried.release()
        raise BrokenPipeError

    monkeypatch.setattr(at_work, "WAIT", 0.01)
    monkeypatch.setattr(leaving, "tell", tell)
    with at_work.at_work("init"):
        assert tried.acquire(timeout=PATIENCE)
        assert tried.acquire(timeout=PATIENCE)
