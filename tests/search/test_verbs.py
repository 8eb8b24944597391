"""The verbs of the command line are the files of a folder, and their help is there at once."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bpsearch
from search import cli, commands

ROOT = Path(__file__).parents[2]
VERBS = commands.verbs()
HEAVY = {"bpmodel", "joblib", "matplotlib", "mlflow", "numba", "numpy", "optuna", "pandas", "pydantic", "rich"}
HEAVY |= {"scipy", "sklearn"}
HELP = [["--help"], ["--version"], *([verb, "--help"] for verb in VERBS)]

VERB = """
HELP = "say hello"


def add_arguments(parser):
    parser.add_argument("name")


def run(options, console):
    console.print(f"hello {options.name}")
    return 1
"""


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_help_loads_nothing_heavy(arguments):
    code = f"import sys, atexit; atexit.register(lambda: print(*({HEAVY} & {{*sys.modules}}), file=sys.stderr))\n"
    code += f"import bpsearch; sys.argv[1:] = {arguments}; bpsearch.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "\n")
    assert "bpsearch" in done.stdout


def test_help_says_what_each_verb_does(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    for name, verb in VERBS.items():
        assert f" {name} {verb.HELP} " in told
        with pytest.raises(SystemExit):
            cli.main([name, "--help"])
        assert f"\n\n{verb.HELP}\n\n" in capsys.readouterr().out


TARGETS = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("package", ["bpmodel", "search"])
def test_messages_told_of_make_where_there_is_no_makefile_bug(package):
    """An installed package has none. Docstrings may name targets: they are read in a checkout."""
    told = []
    for file in sorted((ROOT / package).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in alone)
        told += [(file.name, t) for t in texts if isinstance(t, str) and re.search(rf"make ({'|'.join(TARGETS)})\b", t)]
    assert len(TARGETS) > 10
    assert told == []


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"bpsearch {bpsearch.__version__}\n"


def test_a_file_in_the_folder_is_a_verb(tmp_path, monkeypatch, capsys):
    (tmp_path / "hello.py").write_text(VERB)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    assert list(commands.verbs()) == sorted([*VERBS, "hello"])
    assert cli.main(["hello", "world"]) == 1
    assert capsys.readouterr().out == "hello world\n"
    monkeypatch.delitem(sys.modules, "search.commands.hello")
