"""`bpsearch tune --dry-run`: everything is checked and counted, nothing is trained or written."""

import os
from pathlib import Path

import pytest

from bpmodel.network import sizes
from search.loop import workers
from tests.search.test_for_scripts import STUDY, documented


@pytest.fixture
def dry(folder, command, monkeypatch):
    """Write a study, run it dry, and see that nothing was trained or written."""

    def dry(text: str = STUDY, *more: str):
        x = [i / 30 - 1 for i in range(60)]
        rows = "\n".join(f"{a},{a * a},{5 * a}" for a in x)
        Path("tiny.csv").write_text(f"x,noise,y\n{rows}\n")
        Path("tiny.toml").write_text(text)
        before = sorted(str(path) for path in Path().rglob("*"))
        monkeypatch.setattr(workers, "evaluate", lambda *arguments: pytest.fail("something was trained"))
        result = command("tune", "tiny.toml", "--dry-run", *more)
        assert sorted(str(path) for path in Path().rglob("*")) == before
        return result

    return dry


def test_it_counts(dry):
    result = dry(STUDY, "--json")
    assert (result.code, result.err) == (0, "")
    found = result.document
    assert sorted(found) == sorted(documented("tune --dry-run"))
    assert (found["rows"], found["columns"], found["features"], found["folds"], found["trials"]) == (60, 2, 2, 3, 2)
    assert (found["fits"], found["again"], found["done"]) == ((2 + 4) * 3 + 5, 4, 0)
    assert found["parameters"] == 2 * 100 + 100 + 100 + 1
    assert 0 < found["memory"] < found["memory_allowed"]


def test_it_tells_it_as_text(dry):
    result = dry(STUDY + "outer = 2\n")
    assert result.code == 0
    assert "fits:    up to 69\n" in result.out
    assert "in each of 2 outer folds" in result.out
    assert result.out.endswith("nothing was trained or written\n")


MISTAKES = {
    "a grid": (
        "[0.01, 900.0]",
        "{ low = 0.1, high = 1.0, points = 10000 }\nalpha = { low = 0.1, high = 1.0, points = 10000 }",
        "100,000,000 points",
    ),
    "folds": ("n_splits = 3", "n_splits = 50\nrepeats = 10000", "500,000 folds; allowed are up to 100,000"),
    "layers": ("max_iter = 8", "max_iter = 8\nhidden_layer_sizes = [1000000, 1000000]", "weights and biases"),
    "a missing column": ('target = "y"', 'target = "z"', "is not a column"),
    "a scorer": ("n_splits = 3", 'scoring = "roc_auc"', "does not fit this regression"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_it_finds_what_tune_would_find(dry, name):
    old, new, told = MISTAKES[name]
    result = dry(STUDY.replace(old, new))
    assert result.code == 2
    assert told in result.err
    assert result.err.startswith("error: tiny.toml: ")
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("verb", ["tune", "cv", "diagnose"])
def test_every_verb_that_trains_counts_first(dry, command, verb):
    """Layers of a million units each ended these commands without a message."""
    dry(STUDY.replace("max_iter = 8", "max_iter = 8\nhidden_layer_sizes = [1000000, 1000000]"))
    result = command(verb, "tiny.toml")
    assert result.code == 2
    assert "weights and biases" in result.err


def test_bins_are_counted_before_they_are_made(dry, monkeypatch):
    monkeypatch.setattr(sizes, "memory", lambda: 100_000.0)
    result = dry(STUDY + '[preprocessing]\nnumeric = "piecewise"\nn_bins = 10000\n[model2]\n'.replace("[model2]\n", ""))
    assert "60 rows x 118 columns after preprocessing" in result.err or "weights and biases" in result.err


def test_a_store_that_cannot_be_written_is_told(dry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:////proc/nowhere/{os.getpid()}/x.db")
    result = dry()
    assert result.code == 2
    assert "cannot be written" in result.err


def test_a_sample_of_too_few_rows_is_told(dry):
    result = dry(STUDY.replace("[search]", "[search]\nsubsample = 0.5"), "--json")
    told = "subsample = 0.5 has no effect: that is 20 of the 40 training rows of a fold; needed are 1,000"
    assert told in result.document["notes"]
