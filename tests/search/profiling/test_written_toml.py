"""What is written in TOML is what was meant, whatever the names and values are."""

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import StudyError
from search.profiling.finding import Change, Finding, drop
from search.profiling.naming import comment, pair, toml
from search.profiling.writing import lines, values
from search.study import init

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


@given(TEXTS, VALUES, TEXTS)
def test_any_key_value_and_comment(key, value, why):
    written = f"{pair(key, value)}    {comment(why)}\n# {pair(key, value)}\nlast = 1\n"
    assert tomllib.loads(written) == {key: value, "last": 1} | ({"last": 1} if key != "last" else {})


@given(TEXTS, TEXTS, TEXTS)
def test_any_finding(name, other, why):
    """A column "a<newline>max_categories = 2<newline>#" set a key."""
    found = [
        Finding("x", (name,), why, why, drop(name)),
        Finding("y", (other,), why, why, (*drop(other, active=False), Change("data", "na_values", [name, other]))),
        Finding("z", (name,), why, why, (Change("data", "group", other, active=False, why=name),)),
    ]
    for some in (found, found[:1], found[1:2], found[2:], []):
        assert tomllib.loads(lines(some, "data", {"encoding": name})) == values(some, "data", {"encoding": name})


def test_numbers_of_numpy_and_without_a_limit():
    assert [toml(value) for value in (np.int8(3), np.float64(0.5), np.bool_(True), -math.inf)] == [
        "3",
        "0.5",
        "true",
        "-inf",
    ]
    assert math.isnan(tomllib.loads(f"a = {toml(math.nan)}")["a"])
    assert toml({}) == "{}"


@pytest.mark.parametrize("value", ["caf\udce9.csv", None, ["a", "\ud800"], {"\ud800": 1}, object()])
def test_what_toml_cannot_say_is_refused_in_one_line(value):
    with pytest.raises(StudyError, match="cannot be written in a study file") as error:
        toml(value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[data]\ntarget = 'b'\n", r"its \[data\] would not say what is meant"),
        ("[data]\ntarget = 'a'\n[model]\nalpha = 2\n", r"its \[model\] would not say"),
        ("", r"its \[data\] would not say"),
        ("[data]\ntarget = 'a\x1b'", "it is not valid TOML"),
    ],
)
def test_a_file_that_says_something_else_is_not_written(text, told):
    with pytest.raises(StudyError, match=f"^a.toml was not written: {told}"):
        init.check_meaning(text, {"data": {"target": "a"}}, Path("a.toml"))
    init.check_meaning("data.target = 'a'", {"data": {"target": "a"}}, Path("a.toml"))
