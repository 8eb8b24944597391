"""The same work for many things, several of them at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def each(act: Callable[[T], object], items: Iterable[T], at_a_time: int, stopped: Callable[[], bool]) -> None:
    """Call a function for each item, several at a time, and return when all calls that have begun are done.

    The threads are daemons: one that waits for a server that is gone does not keep the process from ending.

    Parameters
    ----------
    act : callable
    items : iterable
        Begun in their order, ended in any.
    at_a_time : int
    stopped : callable
        Returns whether no further item is begun.

    Raises
    ------
    BaseException
        The first that was raised for an item; none is begun after it.

    Examples
    --------
    >>> found = []
    >>> each(found.append, range(5), 2, lambda: False)
    >>> sorted(found)
    [0, 1, 2, 3, 4]
    """
    left, lock, failed = list(items)[::-1], threading.Lock(), list[BaseException]()

    def work() -> None:
        while not failed and not stopped():
            with lock:
                if not left:
                    return
                item = left.pop()
            try:
                act(item)
            except BaseException as error:  # raised below, in the thread that has asked
                failed.append(error)

    threads = [threading.Thread(target=work, name="mlflow-request", daemon=True) for _ in left[:at_a_time]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
