"""The service as a process: it ends when what it is there for has ended."""

import sys
from importlib import import_module

import pytest

from search.errors import StudyError
from search.service import serving, supervisor


def test_a_supervisor_that_fails_ends_the_service(queue, monkeypatch):
    """It would serve on, and run nothing."""

    def fail(self, ended):
        raise ZeroDivisionError

    monkeypatch.setattr(supervisor.Supervisor, "run", fail)

    def serve():
        with serving.running(queue, None, None, 1) as runs:
            while runs():
                pass

    with pytest.raises(ZeroDivisionError):
        serve()


def test_it_runs_until_it_is_told_to_end(queue):
    with serving.running(queue, None, None, 1) as runs:
        assert runs()
    assert not runs()


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "search.service.cluster.access")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(
            StudyError, match=r"needs the package distributed; install it with: pip install 'bpsearch\[service\]'"
        ),
        serving.needing_dask(),
    ):
        import_module("search.service.cluster.access")
    with pytest.raises(ModuleNotFoundError), serving.needing_dask():
        import_module("search.service.no_such_module")
