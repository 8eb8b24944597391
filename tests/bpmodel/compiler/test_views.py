"""Views: the same numbers at the same places as NumPy's, in either precision, read-only or not."""

import sys
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from bpmodel.compiler import views
from bpmodel.compiler.views import flat, matrix


@njit
def part(values, start, rows, columns):
    return matrix(values, start, rows, columns).copy()


@njit
def add_one(values, start, rows, columns):
    view = matrix(values, start, rows, columns)
    for i in range(rows):
        for j in range(columns):
            view[i, j] += 1


@njit
def flattened(values):
    return flat(values).copy()


@njit
def multiply(a, b, rows, inner, columns, out):
    np.dot(matrix(a, 1, rows, inner), matrix(b, 0, columns, inner).T, matrix(out, 2, rows, columns))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_matrix_has_the_numbers_from_its_place_on(dtype):
    values = np.arange(20, dtype=dtype)
    values.flags.writeable = False
    np.testing.assert_array_equal(part(values, 3, 4, 2), values[3:11].reshape(4, 2))
    np.testing.assert_array_equal(flattened(values.reshape(5, 4)), values)
    assert part(values, 20, 0, 3).shape == (0, 3)


def test_what_is_written_to_a_view_is_written_to_the_array():
    values = np.zeros(10)
    add_one(values, 2, 2, 3)
    np.testing.assert_array_equal(values, [0, 0, 1, 1, 1, 1, 1, 1, 0, 0])


def test_matrices_multiply():
    rng = np.random.default_rng(0)
    a, b, out = rng.random(13), rng.random(20), np.zeros(17)
    multiply(a, b, 3, 4, 5, out)
    np.testing.assert_allclose(out[2:].reshape(3, 5), a[1:].reshape(3, 4) @ b.reshape(5, 4).T)
    np.testing.assert_array_equal(out[:2], 0)


def test_an_array_with_gaps_is_refused():
    with pytest.raises(TypingError, match=r"C-contiguous array of 1 dimension"):
        part(np.zeros(10)[::2], 0, 1, 1)
    with pytest.raises(TypingError, match=r"C-contiguous array of 2 dimension"):
        flattened(np.zeros((4, 4)).T)


class Inside(NamedTuple):
    values: np.ndarray
    number: float


class Outside(NamedTuple):
    inside: Inside
    counts: np.ndarray
    name: bool


@pytest.mark.parametrize("uncounted", [views.uncounted, views._as_it_is], ids=["raw", "public"])
def test_arrays_that_are_not_counted_are_the_same_arrays(uncounted):
    @njit
    def add(arrays):
        other = uncounted(arrays)
        for _ in range(3):
            kept = other.inside
            kept.values[0, 1] += kept.number
        other.counts[:] = other.counts.size
        return other.name, uncounted(other.counts).sum()

    arrays = Outside(Inside(np.zeros((2, 2)), 1.5), np.zeros(4, dtype=np.int64), True)
    references = [sys.getrefcount(array) for array in (arrays.inside.values, arrays.counts)]
    assert add(arrays) == (True, 16)
    np.testing.assert_array_equal(arrays.inside.values, [[0, 4.5], [0, 0]])
    assert [sys.getrefcount(array) for array in (arrays.inside.values, arrays.counts)] == references
