"""What a model's file says of its study may be damaged, or a stranger's: one line says so, before a row is read."""

import base64

import pytest
from sklearn.dummy import DummyRegressor

from search import cli
from search.errors import StudyError
from search.prediction import predictor, seen, stored
from search.tracking import stores
from search.tracking.models import registry

MODEL = DummyRegressor().fit([[0.0], [1.0]], [0.0, 1.0])
HASHES = base64.b64encode(bytes(8)).decode()
DAMAGED = {
    "a target of bytes": {"target": b"\xff"},
    "scoring by name": {"scoring": {}},
    "reading that is a text": {"reading": ""},
    "a date order that is a text": {"reading": {"day_first": "yes"}},
    "a dummy that is a number": {"dummy": 10**30},
    "a mean that is a text": {"dummy": {"mean": "high"}},
    "a mean that is no number": {"dummy": {"mean": float("nan")}},
    "classes without rows": {"dummy": {"classes": ["a", "b"], "rows": [1]}},
    "classes of no rows": {"dummy": {"classes": ["a"], "rows": [0]}},
    "hashes that are a number": {"seen": 10**30},
    "hashes that are none": {"seen": {"complete": True, "hashes": "?"}},
    "no hashes": {"seen": {"complete": False, "hashes": ""}},
    "half a hash": {"seen": {"complete": True, "hashes": HASHES[:8]}},
    "no completeness": {"seen": {"hashes": HASHES}},
    "no lags": {"lags": []},
    "lags that are a truth": {"lags": True},
    "a horizon beyond all rows": {"horizon": 10**30},
    "a column of controls": {"exogenous": [["\x1b]52;c;aGk=\x07"]]},
}


@pytest.mark.parametrize("facts", DAMAGED.values(), ids=DAMAGED)
def test_damaged_facts_were_an_unexpected_error_bug(facts, tmp_path, monkeypatch, capsys):
    """A TypeError or AttributeError, wherever they were used first."""
    table = tmp_path / "rows.csv"
    table.write_text("a,y\n1,2\n3,4\n")
    known = registry.Facts(registry.Version("x", 1, (), 0.0, "", ""), {"target": "y"} | facts)
    monkeypatch.setattr(stores, "answering_uri", lambda: "")
    monkeypatch.setattr(registry, "load", lambda *_, **__: (MODEL, known))
    assert cli.main(["evaluate", "x", str(table)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: what the model says of its study is damaged: {next(iter(facts))}")
    assert "\x1b" not in line


def test_facts_as_studies_write_them():
    facts = {
        "name": "prices",
        "target": "price",
        "scoring": ["r2"],
        "reading": {"decimal": ",", "sheet": 2, "na_values": ["?"], "header": True},
        "dummy": {"mean": [1, 2.5]},
        "seen": seen.sketch(MODEL, [[0.0], [1.0]]),
        "lags": [1, 24],
        "exogenous": ["weather"],
    }
    assert predictor.Model(MODEL, facts).target == "price"
    stored.check({"dummy": {"classes": ["a", "b"], "rows": [3, 0]}, "lags": 3, "something": "newer"})
    stored.check({})


def test_a_key_is_named_whole():
    with pytest.raises(StudyError, match=r"dummy\.mean = 'high': "):
        stored.check({"dummy": {"mean": "high"}})
