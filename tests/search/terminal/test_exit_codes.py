"""Every way out of a command is a row of one table."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from search import cli, commands
from search.signals import command as signals
from search.terminal.exits import EXITS, FAILED, OK, SIGNALLED, USER_ERROR, listed

ROOT = Path(__file__).parents[3]
VERBS = commands.verbs()
BP = [sys.executable, "-m", "bpsearch"]


def returned(function: ast.FunctionDef) -> set[int]:
    """Return the numbers that a function may return; a branch of an expression is one of them."""
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
    branches = [branch for v in values for branch in ([v.body, v.orelse] if isinstance(v, ast.IfExp) else [v])]
    return {branch.value for branch in branches if isinstance(branch, ast.Constant) and type(branch.value) is int}


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_verb_returns_is_in_the_table(verb):
    (path,) = (ROOT / "search" / "commands").rglob(f"{verb}.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.returns is not None]
    codes = set().union(*(returned(function) for function in found if getattr(function.returns, "id", "") == "int"))
    assert codes
    assert codes <= EXITS.keys()


def test_signals_are_in_the_table():
    assert {SIGNALLED + number for number in signals.SIGNALS} == EXITS.keys() - {OK, FAILED, USER_ERROR}
    assert signals.code(signals.Interrupt(15)) == SIGNALLED + 15


def test_help_has_the_table(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    told = capsys.readouterr().out
    assert listed() in told
    assert re.findall(r"^  (\d+) ", told, re.MULTILINE) == [str(code) for code in EXITS]


WAYS = {
    "version": (["--version"], OK),
    "help": (["--help"], OK),
    "no verb": ([], USER_ERROR),
    "unknown verb": (["nonsense"], USER_ERROR),
    "unknown switch": (["list", "--nonsense"], USER_ERROR),
    "no such study": (["show", "nothing"], USER_ERROR),
    "no such file": (["tune", "nothing.toml"], USER_ERROR),
}


@pytest.mark.parametrize(("arguments", "code"), WAYS.values(), ids=WAYS.keys())
def test_ways_out(folder, arguments, code):
    found = None
    try:
        found = cli.main(arguments)
    except SystemExit as error:
        found = error.code or 0
    assert found == code


def test_a_bug_is_a_failure(folder, monkeypatch, command):
    def fail(options, console):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(VERBS["list"], "run", fail)
    assert command("list").code == FAILED


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_output_that_is_full_or_closed_is_a_failure(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with open("/dev/full", "w") as full:
        assert subprocess.run([*BP, "list"], stdout=full, stderr=subprocess.DEVNULL).returncode == FAILED
    process = subprocess.Popen([*BP, "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.close()
    assert process.wait(60) == FAILED
