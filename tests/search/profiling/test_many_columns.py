"""What is looked for in a table takes no more than its columns allow."""

import tracemalloc

import numpy as np

from search.profiling import copies


def test_linear_images_of_many_columns_take_little_memory():
    """A matrix of all pairs of 4,000 columns has 128 MB, and there were three of them; one of 20,000 has 3 GB."""
    columns = np.random.default_rng(0).normal(size=(30, 4000))
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    columns[:, 3999] = -columns[:, 5]
    columns[:, 300] = columns[:, 299]
    tracemalloc.start()
    try:
        found = dict(copies._related(columns))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {later: [*earlier] for later, earlier in found.items()} == {300: [299], 3999: [5]}
    assert most < 50e6
