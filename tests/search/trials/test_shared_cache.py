"""What takes long to make is made once, whichever thread asks first."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from search.trials.shared_cache import ComputeOnce


def test_made_once_by_whichever_thread_asks_first():
    made, gate, values = [], threading.Barrier(4), ComputeOnce()

    def ask(_):
        gate.wait()
        return values.get("key", lambda: made.append(1) or object())

    with ThreadPoolExecutor(4) as threads:
        assert len(set(map(id, threads.map(ask, range(4))))) == 1
    assert made == [1]


def test_what_was_asked_for_last_is_kept():
    made, values = [], ComputeOnce(limit=2)
    for key in "abacab":
        values.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"]
    assert len(values) == 2


def test_eight_are_kept_unless_more_are_asked_for():
    made = ComputeOnce()
    for number in range(9):
        made.get(str(number), object)
        assert len(made) == min(number + 1, 8)


def test_a_failure_is_raised_and_not_kept():
    values = ComputeOnce()
    with pytest.raises(ZeroDivisionError):
        values.get("key", lambda: 1 / 0)
    assert values.get("key", lambda: 7) == 7


def test_a_copy_elsewhere_begins_empty():
    values = ComputeOnce(limit=3)
    values.get("key", lambda: 7)
    copy = pickle.loads(pickle.dumps(values))
    assert (len(copy), copy.limit) == (0, 3)
