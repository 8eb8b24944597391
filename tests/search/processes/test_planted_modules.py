"""Modules of the current folder are not run: a project folder may come from somebody else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import search
from search.processes import python
from search.tracking.local.scratch import scratch

HOME = Path(search.__file__).parents[1]
SCRIPT = """
import sys
from bpsearch import main
for command in " ".join(sys.argv[1:]).split(" + "):
    sys.argv[1:] = command.split()
    if code := main():
        sys.exit(f"{command}: {code}")
"""
"""Runs commands that are put apart by a plus, one after the other in one process."""

LIBRARIES = (
    "mlflow numpy pandas optuna sklearn matplotlib sqlalchemy alembic uvicorn flask joblib yaml git skops search"
)
STARTED = "sitecustomize usercustomize"
STANDARD = "json random tempfile shutil sqlite3 secrets subprocess platform"
FEW = ["init homes.csv --target price", "tune small.toml", "predict small homes.csv -o out.csv"]
ALL = [
    *FEW[:2],
    "tune small.toml",
    "predict small homes.csv -o other.csv",
    # by now it is known what the first import of a process brings along
    " + ".join(
        [
            "cv small.toml",
            "diagnose small.toml --trial 0",
            "list",
            "show small",
            "report small",
            "compare small small",
            "evaluate small homes.csv --plot out.png",
            "export small --to joblib -o out.joblib",
            "delete small --yes",
        ]
    ),
]
"""Commands, each in a process of its own unless there is a plus between them."""


@pytest.fixture
def project(tmp_path, small_project):
    """A folder with a table and a study file."""
    folder = tmp_path / "project"
    folder.mkdir()
    return small_project(folder)


def plant(folder: Path, names: str) -> Path:
    """Write modules, and one package, that leave a file when they are run; return where."""
    ran = folder.parent / "ran"
    for name in names.split():
        (folder / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write('{name} ')\nraise ImportError('planted')\n")
    (folder / "bpmodel").mkdir()
    (folder / "bpmodel" / "__init__.py").write_text(f"open({str(ran)!r}, 'a').write('bpmodel ')\n")
    return ran


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "path", "commands"),
    [
        (f"{LIBRARIES} {STARTED} {STANDARD}", str(HOME), ALL),
        (
            LIBRARIES,
            os.pathsep.join([str(HOME), "", "."]),
            FEW,
        ),  # the current folder, twice; the path is the same for all
    ],
    ids=["installed", "an empty and a relative part in PYTHONPATH"],
)
def test_no_verb_runs_a_module_of_the_project_bug(project, names, path, commands):
    """`tune` made the database with ``python -c``, which looks for modules in the current folder first."""
    ran = plant(project, names)
    (project / ".numba_config.yaml").write_text("cpu_name: nonsense\n[")
    script = project.parent / "bpsearch-command"
    script.write_text(SCRIPT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "PYTHON"))}
    for command in commands:
        done = subprocess.run(
            [sys.executable, str(script), *command.split()],
            cwd=project,
            env=environment | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert not ran.exists(), (command, ran.read_text())
        assert done.returncode == 0, (command, done.stderr[-2000:])
    assert (project / "mlruns" / "mlflow.db").exists()


PROBE = "import sys; print([part for part in sys.path if part == '' or part.startswith(sys.argv[1])])"


@pytest.mark.parametrize("path", ["", ".", os.pathsep, f".{os.pathsep}", f"{os.pathsep}..{os.pathsep}"])
def test_a_process_has_no_current_folder_on_its_path(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", path)
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('planted')")
    with scratch(None) as folder:
        done = subprocess.run(
            python.command("-c", PROBE, str(tmp_path)),
            cwd=folder,
            env=python.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert list(folder.iterdir()) == []
    assert done.stdout == "[]\n"
    assert not folder.exists()


def test_absolute_parts_of_the_path_stay(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/some/where", "", "here", "/else"]))
    assert python.environment({"A": "1"})["PYTHONPATH"] == os.pathsep.join(["/some/where", "/else"])
    assert python.environment({"A": "1"})["A"] == "1"
    monkeypatch.delenv("PYTHONPATH")
    assert "PYTHONPATH" not in python.environment()


@pytest.mark.parametrize(
    ("given", "variable", "home", "left"),
    [
        (["HERE", "/lib"], None, "/lib", ["/lib"]),
        (["", ".", "/lib"], "", "/lib", ["/lib"]),
        (["HERE", "/lib"], ".", "/lib", ["/lib"]),
        (["HERE", "/lib"], "HERE", "/lib", ["HERE", "/lib"]),
        (["HERE", "/lib"], None, "HERE", ["HERE", "/lib"]),
    ],
    ids=["installed", "empty", "relative", "meant", "own checkout"],
)
def test_the_current_folder_is_left_out_unless_it_is_meant(tmp_path, monkeypatch, given, variable, home, left):
    def placed(text):
        return text.replace("HERE", str(tmp_path))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    monkeypatch.setattr(sys, "path", [placed(part) for part in given])
    if variable is None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", placed(variable))
    monkeypatch.setattr(python, "HOME", placed(home))
    python.leave_out_current_folder()
    assert sys.path == [placed(part) for part in left]
    assert os.environ["PYTHONSAFEPATH"] == "1", "for the processes that libraries start"
