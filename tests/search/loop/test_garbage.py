"""What was there before a search is not looked through for garbage; what it makes is."""

import gc

import pytest

from bpmodel import BPRegressor
from search import BPSearchCV
from search.loop import workers
from search.loop.runner import old_objects_at_rest


class Ring:
    """An object that only the collector can free."""

    freed = 0

    def __init__(self):
        self.itself = self

    def __del__(self):
        Ring.freed += 1


@pytest.fixture(autouse=True)
def awake():
    gc.unfreeze()
    Ring.freed = 0
    yield
    gc.unfreeze()


def test_only_new_objects_are_collected():
    Ring()
    with old_objects_at_rest():
        gc.collect()
        assert Ring.freed == 0
        Ring()
        gc.collect()
        assert Ring.freed == 1
    gc.collect()
    assert Ring.freed == 2
    assert gc.get_freeze_count() == 0


def test_objects_that_someone_else_set_to_rest_are_not_woken():
    gc.freeze()
    before = gc.get_freeze_count()
    with old_objects_at_rest():
        Ring()
        gc.collect()
        assert Ring.freed == 1
    assert 0 < gc.get_freeze_count() <= before


def test_objects_are_woken_when_a_search_fails():
    with pytest.raises(ValueError, match="why"), old_objects_at_rest():
        raise ValueError("why")
    assert gc.get_freeze_count() == 0


def test_a_search_sets_what_was_there_to_rest(rows, monkeypatch):
    at_rest = []

    def evaluate(*args, evaluate=workers.evaluate):
        at_rest.append(gc.get_freeze_count())
        return evaluate(*args)

    monkeypatch.setattr(workers, "evaluate", evaluate)
    X, y = rows()
    BPSearchCV(BPRegressor(max_iter=5), {"alpha": [0.1, 1.0]}, method="grid", cv=2).fit(X, y)
    assert min(at_rest) > 10_000
    assert gc.get_freeze_count() == 0
