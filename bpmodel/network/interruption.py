"""What Ctrl-C during `fit` means: the end of training, as in scikit-learn, or the end of the work that the fit is part of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_RAISED = ContextVar("raised", default=False)


def raised() -> bool:
    """Return whether a fit raises a Ctrl-C. Otherwise it warns and leaves the network as trained so far.

    >>> raised()
    False
    """
    return _RAISED.get()


@contextmanager
def raising() -> Iterator[None]:
    """Have fits raise a Ctrl-C during the body: a network that was trained for some of its epochs is of no use there.

    >>> with raising():
    ...     raised()
    True
    """
    before = _RAISED.set(True)
    try:
        yield
    finally:
        _RAISED.reset(before)
