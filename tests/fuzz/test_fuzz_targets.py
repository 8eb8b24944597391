"""A short run of each fuzz target, and the runner on targets that misbehave."""

from pathlib import Path

import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz.running import run
from tests.fuzz.targets import targets

ROOT = Path(__file__).parents[2]
TARGETS = targets()
MISBEHAVING = {
    "fine": ("return None", None),
    "tells": ("return 'first line\\nsecond line'", "first line second line"),
    "raises": ("raise KeyError('x')", "KeyError: 'x'"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "dies": ("import os; os._exit(3)", "exit code 3"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "killed by signal SIGKILL"),
    "hangs": ("import time; time.sleep(60)", "no end within 2 s, in misbehaving.py:"),
    "eats": ("x = bytearray(3 << 30); return None", "MemoryError"),
    "thread": (
        "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join(); return None",
        "in a thread: ZeroDivisionError",
    ),
    "prints": (
        "import traceback\n    try: 1 / 0\n    except ZeroDivisionError: traceback.print_exc()",
        "a traceback was printed",
    ),
    "floods": ("print('x' * (2 << 20)); return None", "2097153 bytes of output"),
}


WHOLE_STUDIES = {
    "cluster_kills": "tests/search/service/databases/test_several_services.py::test_studies_go_on_elsewhere",
    "kills": "tests/search/test_cli.py::test_killed_again_and_again_and_then_run_to_the_end",
    "lost_replies": "tests/search/tracking/test_lost_replies.py",
    "service_kills": "tests/search/service/test_serving.py::test_it_is_killed_again_and_again",
    "signals": "tests/search/signals/test_signals_at_any_moment.py",
}
"""Targets whose attempts take half a minute and more, and the tests that do the same at chosen places."""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TARGETS.keys() - WHOLE_STUDIES))
def test_a_short_run_finds_nothing(name):
    assert run(name, fuzz.SEED, range(TARGETS[name].SHORT)) == []


def test_tests_of_whole_studies_are_there():
    for test in WHOLE_STUDIES.values():
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text(encoding="utf-8")


def test_targets_say_how_many_attempts_they_make():
    assert all(0 < target.SHORT < target.GOAL for target in TARGETS.values())


def test_targets_have_names_that_a_shell_takes_for_one_word():
    """`make fuzz NAME="lost replies"` asked for a target named lost."""
    assert [name for name in TARGETS if not name.isidentifier()] == []


@pytest.fixture
def misbehave(monkeypatch, tmp_path):
    """Put a target into a folder of its own: attempt `number` does what the row of that number does."""

    def misbehave(*names: str) -> list:
        package = tmp_path / "tests" / "fuzz"
        package.mkdir(parents=True)
        for file in ("__init__", "targets", "worker"):
            (package / f"{file}.py").write_text((Path(__file__).parent / f"{file}.py").read_text(encoding="utf-8"))
        bodies = "".join(f"def do_{i}():\n    {MISBEHAVING[name][0]}\n" for i, name in enumerate(names))
        (package / "misbehaving.py").write_text(
            f"NAME, GOAL, SHORT = 'misbehaving', 2, 1\n{bodies}\n"
            "def attempt(seed, number, folder):\n"
            "    assert list(folder.iterdir()) == [] and __import__('os').getcwd() == str(folder)\n"
            "    (folder / 'left').touch()\n"
            "    return globals()[f'do_{number}']()\n"
        )
        monkeypatch.setattr("tests.fuzz.running.ROOT", tmp_path)
        monkeypatch.setenv("PYTHONPATH", "")
        return run("misbehaving", 0, range(len(names)), seconds=2, memory=2 << 30)

    return misbehave


@pytest.mark.slow
def test_each_kind_of_misbehaviour_is_a_fault(misbehave):
    faults = dict(misbehave(*MISBEHAVING))
    expected = {i: text for i, (_, text) in enumerate(MISBEHAVING.values()) if text}
    assert {number: text[: len(expected[number])] for number, text in faults.items()} == expected


def test_a_run_says_what_it_found_and_fails(monkeypatch, capsys):
    target = next(iter(TARGETS.values()))

    def runs(name, seed, numbers, jobs, tell):
        faults = [fuzz.Fault(number, "a fault") for number in numbers if number == 7]
        for done, number in enumerate(numbers, 1):
            tell(done, faults[0] if number == 7 else None)
        return faults

    monkeypatch.setattr(fuzz, "run", runs)
    assert fuzz.main([target.NAME, "--seed", "3", "--first", "6", "--attempts", "2"]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first == f"{target.NAME} --first 7: a fault"
    assert last.startswith(f"{target.NAME}: 2 attempts with seed 3, 1 faults, ")
    assert fuzz.main([target.NAME, "--attempts", "2"]) == 0


def test_an_unknown_target_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        fuzz.main(["nonsense"])
    assert "NAME = 'nonsense'; allowed are " in capsys.readouterr().err
