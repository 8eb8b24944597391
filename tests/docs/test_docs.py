"""The documents are complete: they name every option, key, command and target, and their examples run."""

import argparse
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing.options import PREPROCESSING
from docs import tables, way_of_a_trial
from search import cli
from search.cv.kinds import KINDS
from search.study import data, study_file
from search.study.keys import File, Table

ROOT = Path(__file__).parents[2]
DOCS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.glob("docs/**/*.md")}
DOCS |= {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
}
OPTIONS = {o.name: o for o in (*REGRESSOR_OPTIONS, *CLASSIFIER_OPTIONS)}
TARGETS = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", OPTIONS)
def test_hyperparameter_has_its_row(name):
    assert f"\n| `{name}` |" in DOCS["docs/networks.md"]


@pytest.mark.parametrize("file", tables.FILES, ids=lambda file: file.name)
def test_tables_of_options_are_the_codes(file):
    """`make docs` writes them."""
    text = file.read_text(encoding="utf-8")
    assert tables.written(text) == text


@pytest.mark.parametrize("option", PREPROCESSING, ids=lambda option: option.name)
def test_preprocessing_option_has_its_row(option):
    assert f"\n| `{option.name}` |" in DOCS["docs/studies.md"]


def keys(model: type[Table]) -> list[str]:
    """Return the keys of a table of the study file, and those of the tables in it."""
    inner = [f.annotation for f in model.model_fields.values() if isinstance(f.annotation, type)]
    return [*model.model_fields, *(key for m in inner if issubclass(m, Table) for key in keys(m))]


@pytest.mark.parametrize("key", keys(File))
def test_key_of_the_study_file(key):
    assert re.search(rf"`\[?{key}\]?`", DOCS["docs/studies.md"])


@pytest.mark.parametrize("name", data.SKLEARN_SETS)
def test_data_set(name):
    assert f"`{name}`" in DOCS["docs/studies.md"]


@pytest.mark.parametrize("name", KINDS)
def test_kind_of_cross_validation(name):
    keys = ", ".join(f"`{key}`" for key in KINDS[name].keys)
    assert f"\n| `{name}` | {KINDS[name].meaning} | {keys} |\n" in DOCS["docs/studies.md"]


def commands() -> dict[str, list[str]]:
    """Return the options of every command."""
    (verbs,) = (a for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction))
    return {
        verb: [flag for action in parser._actions for flag in action.option_strings if flag not in ("-h", "--help")]
        for verb, parser in verbs.choices.items()
    }


@pytest.mark.parametrize(("verb", "flags"), commands().items(), ids=commands())
def test_command_and_its_options(verb, flags):
    text = DOCS["docs/studies.md"]
    assert f"`bpsearch {verb}" in text
    assert all(flag in text for flag in flags)


@pytest.mark.parametrize("target", TARGETS)
def test_target_is_listed_by_help(target):
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert re.search(rf"^  {target} +\w", listed.stdout, re.MULTILINE)


@pytest.mark.parametrize("target", ["cv", "diagnose"])
def test_settings_reach_the_command_whole_bug(target):
    """A list with a blank was two arguments for the shell."""
    settings = """hidden_layer_sizes=[64, 32] activation='tanh'"""
    dry = ["make", "--no-print-directory", "--dry-run", "--assume-old=.venv/.ready", target, f"SET={settings}"]
    done = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shlex.split(done.stdout.splitlines()[-1])[-2:] == ["--set", settings]


@pytest.mark.parametrize("name", DOCS)
def test_targets_that_documents_name_exist(name):
    assert set(re.findall(r"`?make ([a-z-]+)\b", re.sub(r"Python 3.11 or newer and make\.", "", DOCS[name]))) <= set(
        TARGETS
    )


@pytest.mark.parametrize("name", DOCS)
def test_links_lead_somewhere(name):
    links = [link for link in re.findall(r"\]\(([^)#]+)", DOCS[name]) if "://" not in link]
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


PATHS = re.compile(r"`((?:bpmodel|search|tests|docs)/[\w/.]*|\w+\.(?:py|toml|md))`")


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_files_that_the_map_names_exist(name):
    paths = PATHS.findall(DOCS[name])
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("package", ["bpmodel", "search"])
def test_every_folder_is_on_the_map(package):
    folders = {f"{path.parent.relative_to(ROOT).as_posix()}/" for path in (ROOT / package).glob("*/__init__.py")}
    assert len(folders) > 5
    assert folders <= set(re.findall(r"^\| `([^`]+)` \|", DOCS["docs/architecture.md"], re.MULTILINE))


@pytest.mark.parametrize("file", [box.file for box in way_of_a_trial.BOXES.values()])
def test_files_in_the_picture_of_the_map_exist(file):
    assert (ROOT / "search" / file).exists() or (ROOT / "bpmodel" / file).exists()


def test_the_picture_of_the_map_is_drawn():
    drawn = {text.get_text() for text in way_of_a_trial.draw().axes[0].texts}
    assert {box.file for box in way_of_a_trial.BOXES.values()} <= drawn


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS["README.md"], re.MULTILINE | re.DOTALL)[number]


def test_study_file_of_the_readme_is_one(tmp_path):
    (tmp_path / "x.toml").write_text(block("toml"), encoding="utf-8")
    assert study_file.load(tmp_path / "x.toml").name == "prices"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::bpmodel.DivergenceWarning")
def test_pipeline_of_the_readme_runs(capsys):
    names: dict = {}
    exec(block("python", 1), names)
    assert "bpclassifier__alpha" in capsys.readouterr().out
    assert names["honest"] > 0.9
