"""A fit as one attempt: an estimator is fitted by one thread at a time, and an attempt that fails leaves it as it was."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

Method = TypeVar("Method", bound=Callable)

CHANGED_IN_PLACE = ("_parameters", "_running", "_trained", "_state")
"""The arrays of a network that a fit with ``warm_start=True`` writes to."""

OF_CALLBACKS = ("_skl_callbacks", "_callback_", "_parent_callback")
"""Beginnings of the attributes of scikit-learn's callbacks, which are torn down after a fit that failed, too."""

_turns: WeakKeyDictionary[Any, threading.RLock] = WeakKeyDictionary()
_guard = threading.Lock()


def in_turn(method: Method) -> Method:
    """Return a method that waits until no other thread fits its estimator: two fits would write to the same arrays."""

    @wraps(method)
    def alone(estimator: Any, *arguments: Any, **named: Any) -> Any:
        with _guard:
            turn = _turns.setdefault(estimator, threading.RLock())
        with turn:
            return method(estimator, *arguments, **named)

    return alone  # type: ignore[return-value]


def _forget() -> None:
    """Begin anew in a process that was forked: a thread that fitted has no copy there to end its turn."""
    global _guard
    _guard = threading.Lock()
    _turns.clear()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget)


@contextmanager
def undone_if_it_fails(estimator: Any, arrays: tuple[str, ...]) -> Iterator[None]:
    """Give the estimator back what it had learned before the body if any exception leaves that; its options stay.

    Parameters
    ----------
    estimator : BPRegressor or BPClassifier
    arrays : tuple of str
        Attributes whose contents the body may change; the others are only replaced.
    """
    before = dict(vars(estimator))
    contents = {name: before[name].copy() for name in arrays if before.get(name) is not None}
    try:
        yield
    except BaseException:
        options = estimator._get_param_names()
        for name in [name for name in vars(estimator) if name not in options and not name.startswith(OF_CALLBACKS)]:
            del vars(estimator)[name]
        learned = {name: value for name, value in before.items() if name not in options}
        vars(estimator).update({name: value for name, value in learned.items() if not name.startswith(OF_CALLBACKS)})
        for name, values in contents.items():
            before[name][...] = values
        raise
