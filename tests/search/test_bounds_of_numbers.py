"""Every whole number of the search has an upper bound: options, keys of study files, dimensions, the command line."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import optuna
import pytest

from bpmodel import BPRegressor
from bpmodel import domains as networks
from docs import tables
from search import BPSearchCV, arguments, options
from search.errors import StudyError
from search.options import OPTIONS, SEARCH_CV
from search.space import spaces
from search.study import keys, study_file
from search.study.study_file import parse

BASE = 'name = "x"\n[data]\nsource = "x.csv"\ntarget = "y"\ntask = "regression"\n'
HUGE = {"2 ** 63": 2**63, "10 ** 400": 10**400, "10 ** 5000": 10**5000}
MOST = {
    "n_trials": 1_000_000,
    "n_trials_no_change": 2**31 - 1,
    "n_seeds": 8,
    "n_members": 10_000,
    "seed": 2**32 - 1,
    "n_jobs": 1024,
    "random_state": 2**32 - 1,
    "verbose": 2**31 - 1,
}
ANY = {"estimator", "scoring", "cv"}
"""Rows that scikit-learn validates."""


def test_no_other_option_takes_a_whole_number_beyond_the_floats():
    taking = {o.name for o in OPTIONS if 10**400 in o.domain}
    assert taking == ANY
    assert {o.name for o in OPTIONS if 7 in o.domain} - ANY == MOST.keys() | {"timeout", "target_score", "error_score"}


@pytest.mark.parametrize("name", MOST)
def test_the_bound_of_an_option_is_allowed_and_one_more_is_refused(name):
    (option,) = (o for o in OPTIONS if o.name == name)
    assert MOST[name] in option.domain
    for value in (MOST[name] + 1, *HUGE.values()):
        assert value not in option.domain
    assert str(MOST[name]) in str(option.domain)


@pytest.mark.parametrize("name", [o.name for o in SEARCH_CV if o.name not in ANY])
@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
def test_bpsearchcv_tells_them_in_one_line(name, value):
    if name == "timeout" and value == 2**63:
        return
    values = {o.name: o.search_cv for o in SEARCH_CV} | {name: value}
    if name in ("target_score", "error_score") and value == 2**63:
        options.check(values)
        return
    with pytest.raises(ValueError, match=f"^{name} = .*; allowed are ") as error:
        options.check(values)
    assert len(str(error.value).splitlines()) == 1


KEYS = {
    "[search] n_trials": 1_000_000,
    "[search] n_members": 10_000,
    "[data] horizon": keys.MOST_STEPS,
    "[data] lags": keys.MOST_STEPS,
    "[data] sheet": keys.MOST_SHEETS,
    "[cv] n_splits": keys.MOST_SPLITS,
    "[cv] repeats": keys.MOST_REPEATS,
    "[cv] gap": 2**31 - 1,
    "[cv] outer": keys.MOST_SPLITS,
}
WITH = {"horizon": "lags = 1", "gap": 'kind = "time_series"', "repeats": "shuffle = true"}


def study(place: str, value: object) -> str:
    table, key = place[1:].split("] ")
    lines = f"{key} = {value}\n{WITH.get(key, '')}\n"
    return BASE + lines if table == "data" else f"{BASE}[{table}]\n{lines}"


@pytest.mark.parametrize("place", KEYS)
def test_the_bound_of_a_key_is_allowed_and_one_more_is_refused(place):
    parse(study(place, KEYS[place]), Path("x.toml"))
    for value in (KEYS[place] + 1, 2**63 - 1):
        with pytest.raises(
            StudyError, match=rf"^x.toml: {re.escape(place)}.* = {value}.*({KEYS[place]}|allowed)"
        ) as error:
            parse(study(place, value), Path("x.toml"))
        assert str(KEYS[place]) in str(error.value)
    for value in HUGE.values():
        written = hex(value)
        with pytest.raises(StudyError, match=r"has a whole number of [\d,]+ bits") as error:
            parse(study(place, written), Path("x.toml"))
        assert len(str(error.value).splitlines()) == 1


def test_every_whole_number_of_data_and_cv_is_tried():
    schema = keys.File.model_json_schema()["$defs"]
    whole = {}
    for table in ("Data", "CrossValidation"):
        for key, row in schema[table]["properties"].items():
            forms = [row, *row.get("anyOf", [])]
            whole.update((key, form.get("maximum")) for form in forms if form.get("type") == "integer")
    assert [key for key, most in whole.items() if most is None] == ["sheet"], "its bound is a function"
    assert whole.keys() == {place.split("] ")[1] for place in KEYS if not place.startswith("[search]")} - {"lags"}


DIMENSIONS = {
    "low": (
        {"low": -(2**53) - 1, "high": 1},
        r"has low = -9007199254740993; allowed are whole numbers from -9007199254740992",
    ),
    "high": ({"low": 0, "high": 2**53 + 1}, "has high = 9007199254740993; allowed are whole"),
    "real": ({"low": 0.0, "high": 1e151}, r"has high = 1e\+151; allowed are numbers"),
    "infinite": ({"low": 0.0, "high": float("inf")}, "a range needs a number"),
    "tiny": (
        {"low": 1e-151, "high": 1.0, "log": True},
        "has low = 1e-151 and log = true; allowed are numbers from 1e-150",
    ),
    "huge": ((1, 10**400), r"has high = 1000.*\(401 digits\); allowed are whole"),
    "of too many digits": ((1, 10**5000), "has high = a whole number too large to show"),
    "points": ({"low": 1, "high": 3, "points": 10_001}, "has points = 10001; allowed are up to 10000"),
    "huge points": ({"low": 1, "high": 3, "points": 10**400}, r"has points = 1000.*\(401 digits\)"),
    "choices": (list(range(10_001)), "lists 10,001 values; allowed are up to 10,000"),
    "a huge choice": ([1, 10**5000], "allowed are values that can be written"),
    "a huge choice in a list": ([[1], [10**5000]], "allowed are values that can be written"),
    "layers": ({"layers": (1, 1001), "width": [4]}, "has layers = .*allowed are whole numbers from 0 to 1000"),
    "more layers": ({"layers": (1, 10**30), "width": [4]}, r"has high = 1000.*; allowed are whole numbers"),
    "width": ({"layers": [1], "width": (1, 10**6 + 1)}, "has width = .*allowed are whole numbers from 1 to 1000000"),
    "grid of layers": (
        {"layers": {"low": 1, "high": 101, "points": 101}, "width": {"low": 1, "high": 100, "points": 100}},
        "has 10,100 grid points; allowed are up to 10,000",
    ),
    "steps": (
        optuna.distributions.IntDistribution(0, 10**12, step=2),
        "has 500000000001 steps; allowed are up to 10,000",
    ),
    "real steps": (
        optuna.distributions.FloatDistribution(0, 1, step=1e-9),
        "has [0-9]+ steps; allowed are up to 10,000",
    ),
}


@pytest.mark.parametrize("name", DIMENSIONS)
def test_dimensions_are_bounded(name):
    given, told = DIMENSIONS[name]
    with pytest.raises(StudyError, match=told) as error:
        spaces.build({"p": given})
    assert len(str(error.value).splitlines()) == 1


def test_the_bounds_of_dimensions_are_allowed():
    for given in (
        (-(2**53), 2**53),
        (-1e150, 1e150),
        (1e-150, 1e150, "log"),
        list(range(10_000)),
        {"low": 1, "high": 20_000, "points": 10_000},
        {"layers": (0, 1000), "width": (1, 10**6)},
        optuna.distributions.IntDistribution(0, 9_999 * 2, step=2),
    ):
        d = spaces.build({"p": given})["p"]
        assert all(d.allows(value) for value in (d.extremes()[0], d.extremes()[-1]))
        assert np.isfinite(np.ravel(d.middle())).all()


def test_alternatives_are_bounded_together():
    layers = {"hidden_layer_sizes": {"layers": (1, 900), "width": [4]}}
    spaces.build([layers, layers])
    with pytest.raises(StudyError, match=r"space has 2,703 axes or more in 500 alternatives; allowed are 2,000"):
        spaces.build([layers] * 500)


def test_numbers_of_the_command_line():
    assert arguments.MOST_JOBS == networks.MOST_JOBS
    convert = arguments.whole_number("trials", 1_000_000)
    assert [convert(text) for text in ("1", "1000000", "0" * 30 + "7")] == [1, 1_000_000, 7]
    for text in (
        "1000001",
        "9" * 19,
        "1" + "0" * 18,
        "1" + "0" * 19 + "5",
        "1" * 10_000,
        "0",
        "-1",
        "1.0",
        "٣" * 20,
        "²",
        "",
    ):
        with pytest.raises(
            arguments.argparse.ArgumentTypeError, match=r"^trials = '.*; allowed are whole numbers from 1 to 1000000$"
        ):
            convert(text)
    for text in ("inf", "nan", "1e400", "0", "x" * 10_000):
        with pytest.raises(arguments.argparse.ArgumentTypeError, match=r"^timeout = '.*; allowed are numbers above 0"):
            arguments.seconds("timeout")(text)


def test_values_of_the_command_line_are_as_in_a_study_file():
    given = parse(BASE + "[space]\nalpha = [1.0]\n", Path("x.toml"))
    for text, told in {
        "alpha=" + "1" * 10_000: "thousands of digits",
        "alpha=" + "[" * 100_000: "nested too deep",
        "max_iter=0x" + "f" * 5000: "a whole number of 20,000 bits",
        "max_iter=10000001": "allowed: a whole number >= 1 and <= 10000000",
    }.items():
        with pytest.raises(StudyError, match=told) as error:
            study_file.parse_values(given, [text])
        assert len(str(error.value)) < 1000


def test_documents_tell_the_bounds():
    text = (Path(tables.__file__).parent / "studies.md").read_text(encoding="utf-8")
    for most in (keys.MOST_STEPS, keys.MOST_SPLITS, keys.MOST_REPEATS, keys.MOST_SHEETS):
        assert f"{most:,}" in text
    assert "whole numbers from 1 to 1000000" in text


@pytest.mark.parametrize("value", [Fraction(10**400), 10**400])
def test_fractions_are_numbers_within_the_floats(value):
    with pytest.raises(ValueError, match=r"^target_score = "):
        BPSearchCV(BPRegressor(), target_score=value).fit([[0.0], [1.0]], [0, 1])


ITEMS = {
    "an item": ('drop = ["a", 3]', r"^x.toml: \[data\] drop\[1\] = 3; it must be a valid string$"),
    "a list for a text or none": ("encoding = [1]", r"^x.toml: \[data\] encoding = \[1\]; it must be a valid string$"),
    "an item of a list or none": ("na_values = [true]", r"\[data\] na_values\[0\] = True; it must be a valid string$"),
    "a list for a number": ("horizon = [[1]]", r"\[data\] horizon = \[\[1\]\]; it must be a valid integer$"),
}


@pytest.mark.parametrize("name", ITEMS)
def test_wrong_items_of_lists_are_named_by_their_place(name):
    """They were an AttributeError."""
    text, told = ITEMS[name]
    with pytest.raises(StudyError, match=told):
        parse(BASE + text, Path("x.toml"))


LAYERS = {
    "fixed": (
        '[model]\nhidden_layer_sizes = [16]\nactivation = ["relu", "relu"]',
        r"\[model\] activation = .* is for 2 hidden",
    ),
    "searched": (
        '[model]\nhidden_layer_sizes = 16\n[space]\nactivation = [["relu", "relu"]]',
        "is for 2 .*; hidden_layer_sizes has 1",
    ),
    "default": (
        '[space]\nactivation = ["tanh", ["relu", "relu"]]',
        r"\[space\] activation = .* hidden_layer_sizes has 1",
    ),
    "none for one layer": (
        '[space]\nhidden_layer_sizes = [[8], [8, 8]]\nactivation = [["relu", "relu"]]',
        "activation has no list for 1 hidden layers",
    ),
    "a range": (
        '[space]\nhidden_layer_sizes = { layers = { low = 1, high = 2 }, width = [4] }\nactivation = [["relu", "relu", "relu"]]',
        "is for 3 hidden layers; hidden_layer_sizes has 1 or 2",
    ),
    "no layers": (
        '[model]\nhidden_layer_sizes = []\n[space]\nactivation = [["relu"]]',
        "is for 1 hidden layers; hidden_layer_sizes has 0",
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_activations_that_fit_no_layers_are_told_by_the_study_file(name):
    """Each trial told it, one by one."""
    text, told = LAYERS[name]
    with pytest.raises(StudyError, match=told):
        parse(BASE + text + ("" if "[space]" in text else "\n[space]\nalpha = [1.0]"), Path("x.toml"))


@pytest.mark.parametrize(
    "text",
    [
        '[space]\nhidden_layer_sizes = [[8], [8, 8]]\nactivation = [["relu", "relu"], "relu"]',
        '[space]\nhidden_layer_sizes = { layers = [2], width = [4] }\nactivation = [["relu", "tanh"]]',
    ],
)
def test_activations_that_fit_some_layers_are_allowed(text):
    assert parse(BASE + text, Path("x.toml")).space
