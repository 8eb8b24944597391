"""The study file that `bpsearch init` writes has the options of the preprocessing that matter for the table."""

import numpy as np
import pandas as pd
import pytest

from search import init, spec

TABLES = {
    "numbers": (pd.DataFrame({"area": [1.5, 2.5] * 9}), {"numeric": "standard"}, "numbers: 1"),
    "gaps": (
        pd.DataFrame({"area": [1.5, np.nan] * 9, "sold": ["2024-02-29", None] * 9}),
        {"numeric": "standard", "missing_indicator": True},
        "numbers: 1, dates: 1",
    ),
    "categories": (pd.DataFrame({"town": ["Ulm", None] * 9}), {"categorical": "onehot"}, "categories: 1"),
    "codes": (pd.DataFrame({"season": [1, 2, 3] * 6}), {"numeric": "standard"}, "numbers: 1"),
    "truth values": (pd.DataFrame({"garden": [True, False] * 9}), {}, "truth values: 1"),
}


@pytest.mark.parametrize("name", TABLES)
def test_options_that_matter_are_written(tmp_path, name):
    frame, options, kinds = TABLES[name]
    frame.assign(price=np.linspace(1, 2, len(frame)) ** 2).to_csv(tmp_path / "x.csv", index=False)
    path, _ = init.write_study(tmp_path / "x.csv", "price", tmp_path / "x.toml")
    assert spec.load(path).preprocessing == options
    text = path.read_text()
    assert f"[preprocessing]    # {kinds};" in text
    assert ('# categorical_columns = ["season"]' in text) == (name == "codes")
