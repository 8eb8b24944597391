"""The classes of a target: found by text, and the positive one of two."""

import numpy as np
import pytest

from search import classes

FOUND = {  # classes, what is given, the class
    "text": (["no", "yes"], "yes", "yes"),
    "case": (["no", "Yes"], "YES", "Yes"),
    "case that decides": (["yes", "Yes"], "Yes", "Yes"),
    "case that does not": (["yes", "Yes"], "YES", None),
    "blanks": (["no ", "yes "], "yes", "yes "),
    "whole numbers as text": ([0, 1], "1", 1),
    "whole numbers": ([0, 1], 1, 1),
    "numbers": ([0.0, 1.0], 1, 1.0),
    "numbers as text": ([0.5, 1.5], "1.5", 1.5),
    "texts of numbers": (["0", "1"], 1, "1"),
    "leading zeros": (["01", "1"], "01", "01"),
    "truth values": ([False, True], True, True),
    "truth values as text": ([False, True], "false", False),
    "truth values as numbers": ([False, True], 1, True),
    "truth values in German": ([False, True], "Nein", False),
    "truth values in Chinese": ([False, True], "是", True),
    "numbers by a truth value": ([0, 1], True, None),
    "no class": (["no", "yes"], "maybe", None),
    "no truth value": ([False, True], "maybe", None),
    "three classes": (["a", "b", "c"], "b", "b"),
}


@pytest.mark.parametrize(("known", "given", "expected"), FOUND.values(), ids=FOUND)
def test_a_class_is_found_by_its_text(known, given, expected):
    found = classes.find(known, given)
    assert found == expected
    assert type(found) is type(expected)
    assert classes.find(np.array(known), given) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (["no", "yes"], "yes"),
        (["NO", "YES"], "YES"),
        (["Ja", "Nein"], "Ja"),
        (["否", "是"], "是"),
        (["是", "否"], "是"),
        ([False, True], True),
        (["f", "t"], "t"),
        (["n", "y"], "y"),
        (["negative", "positive"], "positive"),
        (["neg", "pos"], "pos"),
        ([0, 1], 1),
        ([0.0, 1.0], 1.0),
        ([-1, 1], 1),
        ([1, 2], 2),
        (["active", "sick"], "sick"),
        (["ja", "oui"], "oui"),  # no pair
    ],
    ids=str,
)
def test_the_positive_class(known, expected):
    assert classes.positive(known) == expected
