"""Random numbers inside compiled loops: row shuffling, and reproducible noise for dropout and inputs.

One generator shuffles the rows; its state continues from epoch to epoch. Dropout and input noise draw by position instead: the
number at place k is a hash of k and a key. The backward pass can therefore recompute the dropout mask without storing it, and
the compiler can vectorize the loop.
"""

from __future__ import annotations

import numpy as np

from bpmodel.compiler.arithmetic import ZERO
from bpmodel.compiler.kernels import inner
from bpmodel.compiler.views import flat


@inner
def next_number(random):
    """xorshift64* (Vigna, 2016): the next 64 random bits, from the state ``random[0]``"""
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    return x * np.uint64(0x2545F4914F6CDD1D)


@inner
def shuffle(index, random):
    """Fisher-Yates, with Lemire's multiplication in place of a remainder"""
    x = random[0]
    for i in range(index.size - 1, 0, -1):
        x ^= x >> np.uint64(12)
        x ^= x << np.uint64(25)
        x ^= x >> np.uint64(27)
        high = (x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(32)
        j = np.int64((high * np.uint64(i + 1)) >> np.uint64(32))
        index[i], index[j] = index[j], index[i]
    random[0] = x


@inner
def hashed(place, key):
    """32 random bits from a place and a key, both of 32 bits: the hash function `lowbias32` (Wellons, 2018)"""
    x = np.uint32(place * np.uint32(0x9E3779B9)) ^ key
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@inner
def drop(a, rate, key):
    """Set a share `rate` of the elements to 0 and divide the others by 1 - rate (Srivastava et al., 2014)"""
    limit, key = np.uint32(rate * 4294967296.0), np.uint32(key)
    factor = a.dtype.type(1.0 / (1.0 - rate))
    values = flat(a)
    for i in range(values.size):
        values[i] = factor * values[i] if hashed(np.uint32(i), key) >= limit else ZERO * values[i]


@inner
def undrop(delta, a, rate, key):
    """Pass a gradient back through `drop`, and undo the division in the elements of `a` that were kept"""
    limit, key = np.uint32(rate * 4294967296.0), np.uint32(key)
    factor, keep = a.dtype.type(1.0 / (1.0 - rate)), a.dtype.type(1.0 - rate)
    deltas, values = flat(delta), flat(a)
    for i in range(values.size):
        deltas[i] = factor * deltas[i] if hashed(np.uint32(i), key) >= limit else ZERO
        values[i] *= keep


@inner
def hide(a, rate, key):
    """Set the elements that `drop` sets to 0 to NaN"""
    limit, key = np.uint32(rate * 4294967296.0), np.uint32(key)
    values = flat(a)
    for i in range(values.size):
        if hashed(np.uint32(i), key) < limit:
            values[i] = np.nan


@inner
def add_normal(a, std, key):
    """Add normal noise, two elements at a time (Box & Muller, 1958)"""
    rows, columns = a.shape
    number, key = a.dtype.type, np.uint32(key)
    for i in range(rows):
        for j in range(0, columns, 2):
            place = np.uint32(2 * (i * (columns + 1) + j))
            u = (float(hashed(place, key)) + 1.0) / 4294967296.0
            angle = float(hashed(np.uint32(place + np.uint32(1)), key)) * (2.0 * np.pi / 4294967296.0)
            radius = std * np.sqrt(-2.0 * np.log(u))
            a[i, j] += number(radius * np.cos(angle))
            if j + 1 < columns:
                a[i, j + 1] += number(radius * np.sin(angle))
