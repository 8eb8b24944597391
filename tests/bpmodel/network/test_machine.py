"""The memory that this process may use: of the machine, its containers and its own limits."""

import os

import numpy as np
import pytest

from bpmodel.network import machine

LARGE = 1e15


@pytest.fixture
def memory(monkeypatch):
    """A function that asks the system anew; what it found does not stay."""

    def ask():
        machine._of_system.cache_clear()
        return machine.memory()

    yield ask
    monkeypatch.undo()
    machine._of_system.cache_clear()


@pytest.fixture
def group(monkeypatch, tmp_path):
    """A function that writes the control groups of this process, on a machine without other limits."""
    monkeypatch.setattr(machine, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "MOUNT", tmp_path)
    monkeypatch.setattr(machine, "_physical", lambda: LARGE)
    monkeypatch.setattr(machine, "_of_process", lambda: [])

    def write(lines, limits):
        (tmp_path / "cgroup").write_text(lines)
        for name, limit in limits.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{limit}\n")

    return write


@pytest.mark.parametrize(
    ("lines", "limits", "expected"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "5000", "memory.max": "9000"}, 5000),
        ("0::/../..\n", {"memory.max": "7000"}, 7000),
        ("9:memory:/a\n3:cpu:/a\n", {"memory/a/memory.limit_in_bytes": "6000", "cpu/a/memory.max": "5"}, 6000),
        ("9:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, LARGE),
        ("0::/a\n", {"a/memory.max": "many"}, LARGE),
        ("0::/\n", {}, LARGE),
    ],
)
def test_the_limit_of_a_container_counts(group, memory, lines, limits, expected):
    group(lines, limits)
    assert memory() == expected


def test_a_process_without_control_groups(group, memory):
    assert memory() == LARGE


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_the_limit_of_a_process_counts(monkeypatch, memory, kind):
    resource = pytest.importorskip("resource", reason="Windows has no such limits")
    whole = memory()
    assert 1e8 < whole < np.inf
    limits = {getattr(resource, kind): 12345}
    monkeypatch.setattr(
        resource, "getrlimit", lambda asked: (limits.get(asked, resource.RLIM_INFINITY), resource.RLIM_INFINITY)
    )
    assert memory() == 12345
    monkeypatch.setattr(machine, "resource", None)
    assert memory() == whole


@pytest.mark.parametrize("error", [AttributeError, ValueError, OSError])
def test_a_system_that_does_not_tell_its_memory(monkeypatch, memory, error, tmp_path):
    def sysconf(name):
        raise error(name)

    monkeypatch.setattr(os, "sysconf", sysconf)
    monkeypatch.setattr(machine, "CGROUP", tmp_path / "none")
    monkeypatch.setattr(machine, "_of_process", lambda: [])
    assert memory() == np.inf


def test_the_machine_is_asked_once(monkeypatch, memory):
    """Files of the system were read at each fit, for a tenth of the time of a short one."""
    first = memory()
    monkeypatch.setattr(machine, "_physical", lambda: 1.0)
    assert machine.memory() == first
    assert memory() == 1.0


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_free_memory_is_given_back_where_the_c_library_can(monkeypatch, error):
    asked = []

    def library(name):
        class Library:
            @staticmethod
            def malloc_trim(rest):
                asked.append((name, rest))
                raise error

        return Library

    monkeypatch.setattr(machine.ctypes, "CDLL", library)
    machine.give_back()
    assert asked == [(None, 0)]
