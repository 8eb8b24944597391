"""Completion: the scripts are sourced in the shells that are there, and asked what may come next."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from search import cli, commands
from search.completion.grammar import NAME, PLACES, STUDY
from search.completion.shells import SHELLS

VERBS = commands.verbs()
HOSTILE = "$(touch owned)"

ASKED = {
    "the verbs": ("bpsearch ", list(VERBS)),
    "a verb": ("bpsearch tu", ["tune"]),
    "a verb after a switch": ("bpsearch --json sh", ["show"]),
    "options": ("bpsearch tune --t", ["--timeout", "--trials"]),
    "words of an option": ("bpsearch tune --method g", ["gp", "grid"]),
    "words of a place": ("bpsearch completion f", ["fish"]),
    "names of studies": ("bpsearch show pri", ["prices", "prices-grid"]),
    "names in other letters": ("bpsearch show 房", ["房价"]),
    "several names": ("bpsearch compare prices si", ["sizes"]),
    "any number of names": ("bpsearch verify prices si", ["sizes"]),
    "a name after an option and its value": ("bpsearch show --trial 3 si", ["sizes"]),
    "study files": ("bpsearch tune pl", ["plan.toml"]),
    "study files of a folder": ("bpsearch tune studies/a", ["studies/a b.toml"]),
    "any file": ("bpsearch predict prices ro", ["rows.csv"]),
    "a file of an option": ("bpsearch predict prices rows.csv -o ro", ["rows.csv"]),
    "any text": ("bpsearch tune plan.toml --trials ", []),
    "nothing": ("bpsearch nonsense ", []),
}


def is_missing(shell: str) -> bool:
    """Return whether a shell is not there; where `.ci/run` has installed it, a test without it fails."""
    return not shutil.which(shell) and "CI" not in os.environ


@pytest.fixture
def project(folder) -> Path:
    """Studies, one of them with outer folds, and files whose names are commands."""
    (folder / "studies").mkdir(exist_ok=True)
    for name in ("prices", "prices-grid", "prices.outer-1", "sizes", "房价", HOSTILE, "`touch owned`", "a b"):
        (folder / "studies" / f"{name}.journal").touch()
    for name in ("plan.toml", "rows.csv", "studies/a b.toml", f"{HOSTILE}.toml"):
        (folder / name).touch()
    return folder


def script(shell: str, capsys) -> str:
    assert cli.main(["completion", shell]) == 0
    return capsys.readouterr().out


BASH = """
export LC_ALL=C.UTF-8
source "$1"
line=$2
read -ra COMP_WORDS <<< "$line"
[[ $line == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line
_bpsearch
((${#COMPREPLY[@]})) && printf '%s\\n' "${COMPREPLY[@]}" || true
"""


def in_bash(path: Path, line: str) -> list[str]:
    done = subprocess.run(["bash", "-u", "-c", BASH, "-", str(path), line], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def in_fish(path: Path, line: str) -> list[str]:
    code = f"source {path}; complete -C '{line}'"
    known = os.environ | {"LC_ALL": "C.UTF-8"}  # it reads its line in the locale
    done = subprocess.run(["fish", "--no-config", "-c", code], capture_output=True, text=True, env=known)
    assert (done.returncode, done.stderr) == (0, "")
    return [each.split("\t")[0] for each in done.stdout.splitlines()]


@pytest.mark.skipif(is_missing("bash"), reason="no bash")
@pytest.mark.parametrize(("line", "expected"), ASKED.values(), ids=ASKED.keys())
def test_what_bash_offers(project, tmp_path, capsys, line, expected):
    path = tmp_path / "script"
    path.write_text(script("bash", capsys), encoding="utf-8")
    assert sorted(in_bash(path, line)) == sorted(expected)
    assert not (project / "owned").exists()


@pytest.mark.skipif(is_missing("bash"), reason="no bash")
@pytest.mark.parametrize("line", ["bpsearch show ", "bpsearch tune ", "bpsearch predict prices ", "bpsearch show $"])
def test_names_of_files_are_not_run(project, tmp_path, capsys, line):
    path = tmp_path / "script"
    path.write_text(script("bash", capsys), encoding="utf-8")
    offered = in_bash(path, line)
    assert "a b" not in offered
    assert HOSTILE not in offered
    assert not (project / "owned").exists()


@pytest.mark.skipif(is_missing("fish"), reason="no fish")
@pytest.mark.parametrize(("line", "expected"), ASKED.values(), ids=ASKED.keys())
def test_what_fish_offers(project, tmp_path, capsys, line, expected):
    path = tmp_path / "script"
    path.write_text(script("fish", capsys), encoding="utf-8")
    offered = in_fish(path, line)
    assert set(expected) <= set(offered)
    assert not (project / "owned").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_has_every_verb_and_option(shell, capsys):
    text = script(shell, capsys)
    assert cli.main(["--quiet", "completion", shell]) == 0
    assert capsys.readouterr().out == text
    for name, verb in VERBS.items():
        assert name in text
        with pytest.raises(SystemExit):
            cli.main([name, "--help"])
        options = [word.strip("[],") for word in capsys.readouterr().out.split() if word.strip("[],").startswith("--")]
        assert all(option.strip(".:;)") in text or f"-l {option.strip('.:;)-')}" in text for option in options), verb
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=text, text=True).returncode == 0


def test_the_names_of_places_are_those_of_the_verbs(capsys):
    """A verb that calls its study otherwise would complete nothing."""
    options = cli._parser().parse_args(["completion", "bash"])
    grammar = options.grammar()
    for verb in ("show", "compare", "delete", "verify", "predict", "evaluate", "export"):
        assert grammar.places(verb)[0].takes == NAME
    for verb in ("tune", "cv", "diagnose"):
        assert grammar.places(verb)[0].takes == STUDY
    assert {STUDY, NAME} <= set(PLACES.values())
