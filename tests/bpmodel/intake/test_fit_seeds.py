"""The generator of a fit."""

import threading

import numpy as np
import pytest

from bpmodel.intake.seeds import generator


@pytest.mark.parametrize("seed", [0, 7, np.int8(3), np.uint64(2**32 - 1)])
def test_the_numbers_are_those_of_a_new_generator(seed):
    generator(seed).normal()  # leaves one of a pair of normal numbers behind
    ours, new = generator(seed), np.random.RandomState(int(seed))
    assert ours.normal(size=3).tolist() == new.normal(size=3).tolist()
    assert ours.randint(9, size=9).tolist() == new.randint(9, size=9).tolist()


def test_a_generator_of_the_callers_is_used_as_it_is():
    own = np.random.RandomState(0)
    assert generator(own) is own
    assert generator(None) is np.random.mtrand._rand


def test_threads_do_not_share_one():
    found = []
    thread = threading.Thread(target=lambda: found.append(generator(0)))
    thread.start()
    thread.join()
    assert found[0] is not generator(0)
