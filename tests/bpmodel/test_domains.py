"""What domains hold, at and beside every bound, against scikit-learn's own constraints where it has the same."""

from numbers import Integral, Real

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpmodel.domains import (
    AT_LEAST_ONE,
    CLASS_WEIGHTS,
    INFINITY,
    NONE,
    SEED,
    TEXT,
    TRUTH,
    VERBOSITY,
    WHOLE,
    Interval,
    InvalidParameterError,
    ListOf,
    Names,
    check,
    instance_of,
    real,
)
from bpmodel.functions.activations import ACTIVATIONS

BOUNDS = [(0, 1), (0, None), (None, 1), (-2, 3)]
CLOSED = ["left", "right", "both", "neither"]
NUMBERS = st.one_of(
    st.integers(-4, 4),
    st.floats(),
    st.integers(-4, 4).map(float),
    st.floats(-3, 4).map(np.float32),
    st.integers(-4, 4).map(np.int8),
)


@given(st.sampled_from([Integral, Real]), st.sampled_from(BOUNDS), st.sampled_from(CLOSED), NUMBERS)
def test_an_interval_is_what_it_says(kind, bounds, closed, number):
    low, high = bounds
    above = low is None or (number >= low if closed in ("left", "both") else number > low)
    below = high is None or (number <= high if closed in ("right", "both") else number < high)
    finite = bool(np.isfinite(number))
    assert (number in Interval(kind, low, high, closed)) is bool(
        isinstance(number, kind) and finite and above and below
    )


@pytest.mark.parametrize(
    "value",
    [True, False, np.True_, "1", None, np.ones(1), 1j, 10**400, 10**5000],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_a_finite_number_is_in_no_interval(value):
    assert value not in real(0, None, "left")


KINDS = {
    "none": (NONE, [None], [False, 0, "None"]),
    "truth": (TRUTH, [True, np.False_], [0, 1, None, "true"]),
    "verbosity": (VERBOSITY, [True, 0, 3, np.int64(2)], [-1, 1.5, None]),
    "seed": (SEED, [None, 0, 2**32 - 1, np.int32(5), np.random.RandomState(0)], [-1, 2**32, 1.0, True, "0"]),
    "infinity": (INFINITY, [np.inf, np.float32(np.inf)], [-np.inf, np.nan, 1e308, None]),
    "text": (TEXT, ["", "a"], [b"a", 1, None]),
    "weights": (CLASS_WEIGHTS, [{}, {0: 1.0}], [[1.0], None]),
    "whole": (WHOLE, [-1, 0, np.int8(3)], [True, 1.0, None]),
    "at least one": (AT_LEAST_ONE, [1, np.int64(7)], [0, -1, 1.0, True]),
    "names": (Names(["a", "b"]), ["a"], ["c", None, 1, ["a"]]),
    "list": (
        ListOf("a list", TEXT),
        [[], ("a",), np.ones(2), [3]],
        ["ab", b"ab", {"a": 1}, np.float64(1), np.array(1.0), None],
    ),
    "instance": (instance_of(int), [3, True], [3.0, int]),
    "either": (AT_LEAST_ONE | TEXT | NONE, [1, "", None], [0, 1.5]),
}


@pytest.mark.parametrize(("domain", "inside", "outside"), KINDS.values(), ids=KINDS)
def test_what_a_domain_holds(domain, inside, outside):
    assert [value for value in inside if value not in domain] == []
    assert [value for value in outside if value in domain] == []


def test_domains_in_words_and_as_types():
    assert str(real(None, 0.5, "right")) == "a number <= 0.5"
    assert str(Interval(Integral, 2, 8, "neither")) == "a whole number > 2 and < 8"
    assert str(Names(["b", "a"]) | NONE) == "one of a, b or None"
    either = AT_LEAST_ONE | ListOf("a list of them", AT_LEAST_ONE | TEXT)
    assert either.annotation == "int | Sequence[int | str] | NDArray[Any]"
    assert [str(domain) for domain in (either | NONE).domains] == [
        "a whole number >= 1 and <= 2147483647",
        "a list of them",
        "None",
    ]
    assert 0 not in either.elements
    assert "a" in either.elements


def test_the_message_of_a_name_tells_how_to_register_another():
    with pytest.raises(
        InvalidParameterError, match=r"must be None or one of .*tanh.*register_activation.*Got 'Tanh' instead"
    ):
        check("BPRegressor", "activation", "Tanh", NONE | Names(ACTIVATIONS))
