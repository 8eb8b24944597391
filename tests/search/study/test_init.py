"""The study file that `bpsearch init` writes has the options of the preprocessing that matter for the table."""

import numpy as np
import pandas as pd
import pytest

from search.study import init, study_file
from search.trials.pipeline import PATHS

NUMERIC = {"numeric": ["standard", "piecewise"]}
TABLES = {
    "numbers": (pd.DataFrame({"area": [1.5, 2.5] * 9}), {}, NUMERIC, "numbers: 1"),
    "many numbers": (
        pd.DataFrame({f"x{i}": np.arange(18.0) for i in range(101)}),
        {"numeric": "standard"},
        {},
        "numbers: 101",
    ),
    "gaps": (
        pd.DataFrame({"area": [1.5, np.nan] * 9, "sold": ["2024-02-29", None] * 9}),
        {"missing_indicator": True},
        NUMERIC,
        "numbers: 1, dates: 1",
    ),
    "categories": (pd.DataFrame({"town": ["Ulm", None] * 9}), {"categorical": "onehot"}, {}, "categories: 1"),
    "codes": (pd.DataFrame({"season": [1, 2, 3] * 6}), {}, NUMERIC, "numbers: 1"),
    "truth values": (pd.DataFrame({"garden": [True, False] * 9}), {}, {}, "truth values: 1"),
}


@pytest.mark.parametrize("name", TABLES)
def test_options_that_matter_are_written(tmp_path, name):
    frame, fixed, searched, kinds = TABLES[name]
    frame.assign(price=np.linspace(1, 2, len(frame)) ** 2).to_csv(tmp_path / "x.csv", index=False)
    path, _ = init.write_study(tmp_path / "x.csv", "price", tmp_path / "x.toml")
    study = study_file.load(path)
    assert study.preprocessing == fixed
    assert {n: list(d.values) for n, d in study.space.items() if n in PATHS} == searched
    text = path.read_text()
    assert f"[preprocessing]    # {kinds};" in text
    assert ('# categorical_columns = ["season"]' in text) == (name == "codes")
    assert "target_transform" not in text


@pytest.mark.parametrize(
    ("task", "values"), [("regression", np.exp(np.arange(24.0))), ("classification", ["a", "b"] * 12)]
)
def test_the_logarithm_is_suggested_for_a_skewed_target(tmp_path, task, values):
    pd.DataFrame({"area": np.arange(24.0), "price": values}).to_csv(tmp_path / "x.csv", index=False)
    path, _ = init.write_study(tmp_path / "x.csv", "price", tmp_path / "x.toml")
    assert ("# target_transform" in path.read_text()) == (task == "regression")
    path.write_text(path.read_text().replace("# target_transform", "target_transform"))
    assert ("target_transform" in study_file.load(path).preprocessing) == (task == "regression")
