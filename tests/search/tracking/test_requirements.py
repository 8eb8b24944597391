"""What a model needs where it is loaded: the distributions of what is in it, and code that no index has."""

import importlib
import json
import sys
from importlib import metadata
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import bpmodel
from bpmodel.preprocessing import TablePreprocessor
from search.tracking.models import requirements
from search.tracking.models.requirements import imported_by, modules_in, needs

LOADER = {"mlflow", "numpy", "pandas", "scikit-learn", "skops"}
X, Y = pd.DataFrame({"a": [1.0, 2.0, 3.0]}), [1.0, 2.0, 3.0]


def names(found: requirements.Needs) -> set[str]:
    return {requirement.partition("==")[0] for requirement in found.requirements}


def test_a_pipeline_of_scikit_learn_needs_what_loads_it():
    found = needs(make_pipeline(StandardScaler(), LinearRegression()).fit(X, Y))
    assert names(found) == LOADER
    assert found.code == []
    assert f"numpy=={np.__version__}" in found.requirements
    assert f"scikit-learn=={metadata.version('scikit-learn')}" in found.requirements


def test_a_network_brings_its_package_and_what_that_imports_at_once():
    """Plots and the search are imported only when they are used: a served model does without Matplotlib and Optuna."""
    found = needs(make_pipeline(TablePreprocessor(), LinearRegression()).fit(X, Y))
    assert found.code == [Path(bpmodel.__file__).parent]
    assert names(found) == LOADER | {"joblib", "llvmlite", "numba", "scipy", "threadpoolctl"}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make a module that Python can import, with these files; return it and its folder."""
    made = []

    def module(name, **files):
        place = tmp_path / "site"
        for path, text in files.items():
            file = place / path.replace("__slash__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        monkeypatch.syspath_prepend(str(place))
        importlib.invalidate_caches()
        made.append(name)
        return importlib.import_module(name), place

    yield module
    for name in made:
        sys.modules.pop(name, None)


STEPS = "from sklearn.base import BaseEstimator, TransformerMixin\nclass Step(TransformerMixin, BaseEstimator):\n"
STEPS += "    def fit(self, X, y=None):\n        return self\n    def transform(self, X):\n        return X\n"


def distribution(place: Path, name: str, module: str, origin: str | None = None) -> None:
    """Make a distribution that holds a module, as pip installs it."""
    info = place / f"{name.replace('-', '_')}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5+local\n")
    (info / "top_level.txt").write_text(module)
    (info / "RECORD").write_text(f"{module}.py,,\n")
    if origin:
        (info / "direct_url.json").write_text(json.dumps({"url": origin, "dir_info": {"editable": True}}))


def test_a_champion_of_another_package_could_not_be_served_bug(module):
    """The requirements were a fixed list, and the code of the networks came along although nothing needed it."""
    other, place = module("faraway", **{"faraway.py": STEPS})
    distribution(place, "far-away", "faraway")
    found = needs(make_pipeline(other.Step(), LinearRegression()).fit(X, Y))
    assert "far-away==1.5" in found.requirements
    assert found.code == []


def test_lightgbm_is_named():
    model = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=1, verbose=-1).fit(X, Y)
    found = needs(make_pipeline(StandardScaler(), model))
    assert f"lightgbm=={lightgbm.__version__}" in found.requirements
    assert "numba" not in names(found)
    assert found.code == []


def test_modules_of_the_user_travel_with_the_model_and_so_does_what_they_import(module):
    helper = "def late():\n    import joblib\n"
    mine, place = module(
        "mine", **{"mine.py": "import json\nimport helper_of_mine\n" + STEPS, "helper_of_mine.py": helper}
    )
    found = needs(make_pipeline(mine.Step(), LinearRegression()).fit(X, Y))
    assert found.code == [place / "helper_of_mine.py", place / "mine.py"]
    assert names(found) == LOADER | {"joblib"}


def test_a_package_of_the_user_travels_as_a_folder(module):
    files = {"parcel__slash____init__.py": "", "parcel__slash__steps.py": STEPS}
    _, place = module("parcel", **files)
    steps = importlib.import_module("parcel.steps")
    found = needs(make_pipeline(steps.Step(), LinearRegression()).fit(X, Y))
    assert found.code == [place / "parcel"]
    sys.modules.pop("parcel.steps")


@pytest.mark.parametrize("there", [True, False])
def test_a_checkout_that_is_installed_is_code_of_the_user(module, there):
    """A distribution from a folder that is gone was built from it, as those of conda are: an index has it."""
    mine, place = module("checked_out", **{"checked_out.py": STEPS})
    distribution(place, "checked-out", "checked_out", (place if there else place / "gone").as_uri())
    found = needs(make_pipeline(mine.Step(), LinearRegression()).fit(X, Y))
    assert (found.code == [place / "checked_out.py"]) == there
    assert ("checked-out==1.5" in found.requirements) != there


def test_functions_in_a_pipeline_count(module):
    mine, place = module("formulas", **{"formulas.py": "def twice(x):\n    return 2 * x\n"})
    found = needs(make_pipeline(FunctionTransformer(mine.twice), LinearRegression()).fit(X, Y))
    assert found.code == [place / "formulas.py"]


def test_what_cannot_be_pickled_is_listed_all_the_same(module):
    mine, _ = module("locked", **{"locked.py": STEPS})
    model = make_pipeline(mine.Step(), LinearRegression()).fit(X, Y)

    class Locked(dict):
        def __reduce__(self):
            raise TypeError("cannot pickle")

    assert {"locked", "sklearn"} <= modules_in({"model": model, "lock": Locked()})


def test_imports_at_the_top_and_late_ones(tmp_path):
    (tmp_path / "a.py").write_text(
        "import numpy.linalg\nif True:\n    from skops import io\nfrom . import b\ndef f():\n    import numba\n"
    )
    assert imported_by(tmp_path, late=False) == {"numpy", "skops"}
    assert imported_by(tmp_path, late=True) == {"numpy", "skops", "numba"}
    assert imported_by(tmp_path / "a.py", late=False) == {"numpy", "skops"}
