"""The service as a process: it ends when what it is there for has ended."""

import sys
from contextlib import contextmanager

import pytest

from search.errors import StudyError
from search.service import cluster, serving, supervisor


@pytest.fixture
def without_workers(monkeypatch):
    @contextmanager
    def none(n_workers):
        yield None, None

    monkeypatch.setattr(cluster, "cluster", none)


def test_a_supervisor_that_fails_ends_the_service(queue, without_workers, monkeypatch):
    """It would serve on, and run nothing."""

    def fail(self, ended):
        raise ZeroDivisionError

    monkeypatch.setattr(supervisor.Supervisor, "run", fail)

    def serve():
        with serving.running(queue, None, 1, 1) as runs:
            while runs():
                pass

    with pytest.raises(ZeroDivisionError):
        serve()


def test_it_runs_until_it_is_told_to_end(queue, without_workers):
    with serving.running(queue, None, 1, 1) as runs:
        assert runs()
    assert not runs()


def test_without_the_package_it_says_how_to_get_it(queue, monkeypatch):
    monkeypatch.delitem(sys.modules, "search.service.cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        StudyError, match=r"needs the package distributed; install it with: pip install 'bpsearch\[service\]'"
    ):
        serving.running(queue, None, 1, 1).__enter__()
