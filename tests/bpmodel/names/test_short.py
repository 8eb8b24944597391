"""Values of any size in messages."""

import numpy as np
import pytest

from bpmodel.names.near import LONGEST, near
from bpmodel.names.short import HEAD, MOST, TAIL, listed, named, short

DEEP: list = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize("value", ["a" * (MOST - 2), -(2**63), [1.5, "x", None], {"a": 1}, True])
def test_short_values_are_shown_whole(value):
    assert short(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a" * (MOST - 1), f"'{'a' * (HEAD - 1)}…{'a' * (TAIL - 1)}' ({MOST + 1} characters)"),
        (-(10**400), f"-1{'0' * (HEAD - 2)}…{'0' * TAIL} (401 digits)"),
        (10**5000, "a whole number too large to show"),
        ([10**5000], "a list too large to show"),
        (DEEP, "a list too large to show"),
        (np.arange(3)[:, None], "array([[0], [1], [2]])"),
    ],
    ids=["text", "digits", "many digits", "inside", "nested", "lines"],
)
def test_others_are_cut_in_one_line(value, told):
    assert short(value) == told


@pytest.mark.parametrize(("name", "told"), [("größe 1", "größe 1"), ("a\n", "'a\\n'"), ("\x1b[2J", "'\\x1b[2J'")])
def test_names_are_quoted_where_they_would_not_be_seen(name, told):
    assert named(name) == told
    assert named("a" * MOST) == "a" * MOST
    assert named("a" * (MOST + 1)) == short("a" * (MOST + 1))


def test_very_long_names_are_not_compared():
    """The time for two names is the product of their lengths: a key of a megabyte kept the command busy for hours."""
    a = "a" * LONGEST
    assert near(a[1:], [a]) == [a]
    assert near(a + "a", [a]) == []
    assert near("a" * 1_000_000, ["a" * 1_000_000, "alpha"]) == []
    assert near("alpha", ["a" * 1_000_000, "alphab"]) == ["alphab"]


def test_lists_of_names_have_an_end():
    assert listed(["a", 2, ""], repr) == "'a', '2', ''"
    told = listed(f"{'x' * 1000}{i}" for i in range(100_000))
    assert told.endswith(" and 99,950 more")
    assert len(told) < 50 * (MOST + 2)
