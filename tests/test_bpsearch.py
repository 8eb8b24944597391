"""`bpsearch` has all public names, loads little, and is not hidden by files of the user's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bpmodel
import bpsearch
import search

ROOT = Path(__file__).parents[1]
HEAVY = ["optuna", "mlflow", "pandas", "matplotlib", "pydantic", "rich", "search"]


def run(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    """Run Python in a folder, with the product on its path."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def test_all_public_names_are_there():
    assert sorted(bpsearch.__all__) == sorted([*bpmodel.__all__, *search.__all__])
    for package in (bpmodel, search):
        for name in package.__all__:
            assert getattr(bpsearch, name) is getattr(package, name)
            assert name in dir(bpsearch)
    names: dict = {}
    exec("from bpsearch import *", names)
    assert set(bpsearch.__all__) <= set(names)


@pytest.mark.parametrize("module", [bpsearch, search])
def test_other_names_are_refused(module):
    assert not hasattr(module, "BPRegresor")
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nothing'"):
        _ = module.nothing


def test_a_network_needs_none_of_what_the_search_needs():
    """scikit-learn loads pandas and rich where they are, so they are made to be missing."""
    done = run("-c", f"import sys; sys.modules.update(dict.fromkeys({HEAVY})); from bpsearch import BPRegressor")
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_the_module_loads_nothing():
    done = run(
        "-c", "import sys, bpsearch; print(bpsearch.__version__, {'numpy', 'search', 'bpmodel'} & {*sys.modules})"
    )
    assert done.stdout == f"{bpsearch.__version__} set()\n"


@pytest.fixture(params=["search.py", "search/__init__.py"])
def hiding(tmp_path, request):
    """A file of the user's with the name of a package of ours, in the folder of the user's script."""
    file = tmp_path / request.param
    file.parent.mkdir(exist_ok=True)
    file.write_text("print('the file of the user')")
    return file


def test_a_file_of_the_users_does_not_hide_the_search(tmp_path, hiding):
    (tmp_path / "script.py").write_text("from bpsearch import BPSearchCV, StudyError\nprint(BPSearchCV.__name__)")
    done = run("script.py", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "BPSearchCV\n", "")
    done = run("-m", "bpsearch", "--version", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"bpsearch {bpsearch.__version__}\n", "")


def test_a_script_that_is_called_search(tmp_path):
    (tmp_path / "search.py").write_text("from bpsearch import BPSearchCV\nprint(BPSearchCV.__name__)")
    done = run("search.py", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "BPSearchCV\n", "")


def test_a_file_of_the_users_that_is_loaded_already_is_named(tmp_path, hiding):
    (tmp_path / "script.py").write_text(
        "import search\nfrom bpsearch import BPRegressor\nfrom bpsearch import BPSearchCV"
    )
    done = run("script.py", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "the file of the user\n")
    assert done.stderr.splitlines()[-1] == (
        f"ImportError: {hiding} is loaded under the name of the package 'search' of bpsearch, which is in {ROOT}; "
        "import bpsearch first, or rename that file or folder"
    )
