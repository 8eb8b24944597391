"""Real signals to a real study at some of the moments of `tests/fuzz/signals.py`, which has all of them."""

import importlib.util
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "fuzz" / "signals.py"


@pytest.fixture(scope="module")
def target():
    spec = importlib.util.spec_from_file_location("fuzz_of_signals", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("number", [3, 7])
def test_a_study_that_is_cut_off_by_a_signal_goes_on(target, tmp_path, number):
    assert target.attempt(19, number, tmp_path) is None
