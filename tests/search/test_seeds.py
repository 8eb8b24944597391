"""Seeds of parts are those of NumPy's SeedSequence, of all numbers that name the part."""

import numpy as np
import pytest

from search.seeds import derive


@pytest.mark.parametrize("numbers", [(0,), (7, 3), (2**32 - 1, 19, 4)], ids=str)
def test_it_is_the_first_word_of_a_seed_sequence(numbers):
    assert derive(*numbers) == np.random.SeedSequence(list(numbers)).generate_state(1)[0]
    assert type(derive(*numbers)) is int


def test_parts_differ_in_every_number():
    assert len({derive(s, t, f) for s in range(3) for t in range(20) for f in range(6)}) == 360
