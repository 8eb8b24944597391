"""Norms of the columns of a weight matrix: a column holds the incoming weights of one unit."""

from __future__ import annotations

import numpy as np

from bpmodel.compiler.kernels import inner


@inner
def norms_of_columns(w):
    """Return the Euclidean norm of each column"""
    norms = np.zeros(w.shape[1], w.dtype)
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            norms[j] += w[i, j] * w[i, j]
    for j in range(norms.size):
        norms[j] = np.sqrt(norms[j])
    return norms


@inner
def multiply_columns(w, factors):
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            w[i, j] *= factors[j]
