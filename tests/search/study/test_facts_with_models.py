"""What a model knows of its study."""

import json

import numpy as np
import pandas as pd
import pytest

from search.prediction import seen
from search.study import data, facts, study_file

STUDY = """\
name = "small"
[data]
source = "rows.csv"
target = "y"
task = "{task}"
{keys}
"""


@pytest.fixture
def known(tmp_path, monkeypatch):
    """Return the facts of a study of a table; the pipeline is left out."""
    monkeypatch.setattr(seen, "sketch", lambda pipeline, X: {"rows": len(X)})

    def known(frame: pd.DataFrame, task: str, keys: str = "", **more) -> dict:
        frame.to_csv(tmp_path / "rows.csv", index=False, **more)
        (tmp_path / "small.toml").write_text(STUDY.format(task=task, keys=keys))
        study = study_file.load(tmp_path / "small.toml")
        found = facts.facts(study, data.load(study), None)
        assert json.loads(json.dumps(found)) == found
        return found

    return known


NUMBERS = pd.DataFrame({"a": np.arange(12) / 4, "t": np.arange(12), "y": np.arange(12) / 2})


def test_a_regression(known):
    found = known(NUMBERS, "regression")
    assert found["dummy"] == {"mean": 2.75}
    assert {key: found[key] for key in ("name", "task", "target", "rows", "reading", "seen")} == {
        "name": "small",
        "task": "regression",
        "target": "y",
        "rows": 12,
        "reading": {},
        "seen": {"rows": 12},
    }
    assert found["scoring"] == ["neg_root_mean_squared_error"]
    assert not {"lags", "positive"} & found.keys()


def test_how_the_table_was_read(known):
    found = known(NUMBERS, "regression", 'separator = ";"\nday_first = true', sep=";", decimal=",")
    assert found["reading"] == {"separator": ";", "day_first": True, "likely_decimal": ","}


def test_a_forecast(known):
    found = known(NUMBERS, "regression", 'time = "t"\nlags = 2\nhorizon = 3\nexogenous = ["a"]')
    assert {key: found[key] for key in facts.SERIES} == {"time": "t", "lags": 2, "horizon": 3, "exogenous": ["a"]}
    assert found["target"] == "y"


@pytest.mark.parametrize(
    ("values", "keys", "positive"),
    [
        (["no", "yes"], "", "yes"),
        (["no", "yes"], 'positive = "no"', "no"),
        (["a", "b", "c"], "", None),
        ([0, 1], "", "1"),
    ],
)
def test_classes(known, values, keys, positive):
    frame = NUMBERS.assign(
        y=[values[0]] * (12 - 3 * (len(values) - 1)) + [each for each in values[1:] for _ in range(3)]
    )
    found = known(frame, "classification", keys)
    assert found.get("positive") == positive
    assert found["dummy"]["classes"] == [str(each) for each in values]
    assert found["dummy"]["rows"] == [12 - 3 * (len(values) - 1)] + [3] * (len(values) - 1)
