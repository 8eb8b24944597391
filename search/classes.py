"""The classes of a target: found by their text, and the positive one of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpmodel.preprocessing.texts.truths import WORDS

PAIRS = (*((no, yes) for yes, no in WORDS), ("0", "1"), ("negative", "positive"), ("neg", "pos"))
"""Negative and affirmative classes as texts, without case."""

NEGATIVE, AFFIRMATIVE = ({pair[side] for pair in PAIRS} for side in (0, 1))


def text(value: Any) -> str:
    """Return the text of a class as a file writes it: truth values without case, whole numbers without a fraction.

    >>> text(True), text(1.0), text(np.int64(2)), text(" Yes ")
    ('true', '1', '2', 'Yes')
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def find(classes: Sequence[Any], given: Any) -> Any:
    """Return the class that a value or text of a study file means; None if there is no such class.

    The text decides, at first with its case. Truth values are also meant by 0 and 1 and by the words of `PAIRS`.

    >>> find(["no", "Yes"], "yes"), find([0, 1], "1"), find([False, True], "Yes"), find([1.0, 2.0], 2), find([0, 1], "x")
    ('Yes', 1, True, 2.0, None)
    """
    wanted = text(given)
    for known in (text, lambda value: text(value).casefold()):
        found = [value for value in classes if known(value) == (wanted if known is text else wanted.casefold())]
        if len(found) == 1:
            return found[0]
    if all(isinstance(value, bool | np.bool_) for value in classes):
        truth = dict.fromkeys(AFFIRMATIVE, True) | dict.fromkeys(NEGATIVE, False)
        return next((value for value in classes if bool(value) is truth.get(wanted.casefold())), None)
    return None


def positive(classes: Sequence[Any]) -> Any:
    """Return the positive one of two classes: the affirmative one of `PAIRS`, else the last, as in scikit-learn.

    >>> positive(["No", "Yes"]), positive(["是", "否"]), positive(["cat", "dog"]), positive([1, 2])
    ('Yes', '是', 'dog', 2)
    """
    texts = {text(value).casefold(): value for value in classes}
    return next((texts[yes] for no, yes in PAIRS if texts.keys() == {no, yes}), classes[-1])


def names(classes: Sequence[Any]) -> str:
    """Return the classes for a message.

    >>> names(["no", "yes"]), names(np.array([0, 1]))
    ("'no', 'yes'", '0, 1')
    """
    return ", ".join(repr(value.item() if isinstance(value, np.generic) else value) for value in classes)
