"""`--quiet` and `--json`: what a script reads from standard output."""

import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search import tuning
from search.trials.outcomes import VERDICTS

DOCS = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")
STUDY = """\
name = "tiny"
[data]
source = "tiny.csv"
target = "y"
task = "regression"
[model]
max_iter = 8
solver = "sgd"
[space]
learning_rate_init = [0.01, 900.0]
[search]
method = "grid"
[cv]
n_splits = 3
"""


@pytest.fixture
def bpsearch(folder, command):
    """Run a command in this process, in a folder with a table and a study of two trials, one of which diverges."""
    x = np.linspace(-1, 1, 60)
    pd.DataFrame({"x": x, "noise": np.cos(99 * x), "y": 5 * x + np.sin(9 * x)}).to_csv("tiny.csv", index=False)
    Path("tiny.toml").write_text(STUDY)

    return command


def documented(verb: str) -> list[str]:
    """Return the keys in the first column of the verb's table."""
    table = DOCS.split(f"<!-- json: {verb} -->")[1].split("<!-- end -->")[0]
    return [key for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)[1:] for key in re.findall(r"`(\w+)`", row)]


COMMANDS = {
    "tune": ["tune", "tiny.toml"],
    "cv": ["cv", "tiny.toml"],
    "diagnose": ["diagnose", "tiny.toml"],
    "init": ["init", "tiny.csv", "--target", "y"],
}


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("before", [True, False])
def test_the_keys_are_those_of_the_documents(bpsearch, verb, before):
    arguments = ["--json", *COMMANDS[verb]] if before else [*COMMANDS[verb], "--json"]
    result = bpsearch(*arguments)
    assert result.code == 0
    assert all("progress" in json.loads(line) for line in result.err.splitlines()), "no other text, whoever listens"
    assert bool(result.err) == (verb == "tune")
    assert sorted(result.document) == sorted(documented(verb))


def test_tune_as_json(bpsearch):
    told = bpsearch("tune", "tiny.toml", "--json").document
    best, (dummy, linear, boosting) = told["best"], told["baselines"]
    text = DOCS.split("<!-- json: tune -->")[1].split("<!-- end -->")[0]
    assert all(f"`{key}`" in text for key in {**best, **dummy, **told["model"]})
    assert [told[key] for key in ("name", "method", "scheme")] == ["tiny", "grid", "3 folds"]
    assert (told["scoring"], told["metric"]) == ("neg_root_mean_squared_error", "root mean squared error")
    assert told["greater_is_better"] is False
    assert (told["n_trials"], told["trials"]) == (2, dict.fromkeys(VERDICTS, 0) | {"ok": 1, "diverged": 1})
    assert (best["number"], best["params"]) == (0, {"learning_rate_init": 0.01})
    assert best["score"] == pytest.approx(np.mean(best["fold_scores"]))
    assert 0 < best["score"] < dummy["score"] < 4, "an error has no sign"
    assert best["std"] == pytest.approx(np.std(best["fold_scores"]))
    assert (len(best["fold_scores"]), len(dummy["fold_scores"]), dummy["name"]) == (3, 3, "dummy predictor")
    assert 0 < linear["score"] == pytest.approx(np.mean(linear["fold_scores"]))
    assert boosting["name"] == "gradient boosting"
    assert best["epochs"] == 8
    assert told["judgment"][0].startswith("The linear model is better than trial 0")
    about = {"uri": "models:/tiny@champion", "version": 1, "n_networks": 5, "alias": "champion", "reason": None}
    assert told["model"] == about
    assert (told["problem"], told["unchanged"], told["nested"], told["notes"]) == (None, False, None, [])
    again = bpsearch("tune", "tiny.toml", "--json").document
    assert again == told | {"unchanged": True}


def test_greater_scores_keep_their_sign_and_notes_are_told(bpsearch):
    Path("tiny.toml").write_text(STUDY + 'scoring = "r2"\n')
    table = pd.read_csv("tiny.csv", dtype=str)
    table.loc[3, "y"] = ""
    table.to_csv("tiny.csv", index=False)
    told = bpsearch("tune", "tiny.toml", "--json").document
    assert told["greater_is_better"] is True
    assert told["baselines"][0]["score"] < 0 < told["best"]["score"] < 1
    assert any("without a target" in note for note in told["notes"])
    assert bpsearch("tune", "tiny.toml", "--json").document["notes"] == told["notes"]


def test_nested_cross_validation_as_json(bpsearch):
    Path("tiny.toml").write_text(STUDY + "outer = 2\n")
    nested = bpsearch("tune", "tiny.toml", "--json").document["nested"]
    assert sorted(nested) == ["baselines", "fold_scores", "score", "std"]
    assert [sorted(baseline) for baseline in nested["baselines"]] == [["fold_scores", "name", "score", "std"]] * 3
    assert min(baseline["score"] for baseline in nested["baselines"]) > 0
    assert nested["score"] == pytest.approx(np.mean(nested["fold_scores"]))
    assert nested["score"] > 0


def test_a_study_without_a_winner_has_a_document_and_an_exit_code(bpsearch):
    Path("tiny.toml").write_text(STUDY.replace("0.01, ", "").replace("n_splits = 3", "n_splits = 3\nouter = 2"))
    result = bpsearch("tune", "tiny.toml", "--json")
    told = result.document
    assert result.code == 1
    assert (told["best"], told["model"], told["judgment"]) == (None, None, [])
    assert told["problem"] == "no trial finished healthy"
    assert told["nested"].pop("baselines")
    assert told["nested"] == {"score": None, "std": None, "fold_scores": [None, None]}
    *progress, error = result.err.splitlines()
    assert {json.loads(line)["stage"] for line in progress} >= {"trials", "outer fold 2 of 2"}
    assert error == "error: no trial finished healthy"


def test_cv_as_json(bpsearch):
    told = bpsearch("cv", "tiny.toml", "--json", "--set", "alpha=0.5").document
    assert told["params"] == {"learning_rate_init": 0.01, "alpha": 0.5}
    assert (told["verdict"], told["epochs"], len(told["baselines"])) == ("ok", 8, 3)
    assert 0 < told["score"] == pytest.approx(np.mean(told["fold_scores"]))
    broken = bpsearch("cv", "tiny.toml", "--json", "--set", "learning_rate_init=900.0").document
    assert (broken["verdict"], broken["score"], broken["std"], broken["fold_scores"]) == ("diverged", None, None, [])


def test_diagnose_as_json(bpsearch):
    told = bpsearch("diagnose", "tiny.toml", "--json", "--set", "learning_rate_init=900.0").document
    assert (told["name"], told["trial"], told["params"]) == ("tiny", None, {"learning_rate_init": 900.0})
    assert [fold["findings"][0]["code"] for fold in told["folds"]] == ["exploding_step"] * 3
    assert bpsearch("diagnose", "tiny.toml", "--json", "--set", "solver=lbfgs").document["folds"] == [None] * 3


def test_init_as_json(bpsearch):
    told = bpsearch("init", "tiny.csv", "--target", "y", "--json").document
    assert (told["written"], told["next"]) == ("studies/tiny.toml", "bpsearch tune studies/tiny.toml")
    assert (told["task"], told["notes"]) == ("regression", [])
    assert [column["name"] for column in told["columns"]] == ["x", "noise"]


ERRORS = {
    "no study file": (["tune", "none.toml"], 2, "none.toml: no such study file"),
    "no table": (["init", "none.csv", "--target", "y"], 2, "none.csv"),
    "usage": (["tune", "tiny.toml", "--trials", "many"], 2, "argument --trials: trials = 'many'"),
    "unknown argument": (["cv", "tiny.toml", "--fast"], 2, "unrecognized arguments: --fast"),
    "no result": (["ui"], 2, "--json"),
}


@pytest.mark.parametrize(("arguments", "code", "told"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_are_documents_and_stay_on_the_error_stream(bpsearch, arguments, code, told):
    result = bpsearch("--json", *arguments)
    assert result.code == code
    assert list(result.document) == ["error"]
    assert told in result.document["error"]
    assert told in result.err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (RuntimeError("boom"), 1, "unexpected error: RuntimeError: boom"),
        (KeyboardInterrupt(), 130, "interrupted: finished trials are kept"),
    ],
    ids=["bug", "Ctrl-C"],
)
def test_other_ends_are_documents_too(bpsearch, monkeypatch, error, code, told):
    def fail(*_):
        raise error

    monkeypatch.setattr(tuning, "tune", fail)
    result = bpsearch("tune", "tiny.toml", "--json")
    assert (result.code, list(result.document)) == (code, ["error"])
    assert told in result.document["error"]


# ------------------------------------------------------------------------------------------------------------------- quiet


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("before", [True, False])
def test_quiet_leaves_the_uri_of_the_model(bpsearch, verb, before):
    arguments = ["--quiet", *COMMANDS[verb]] if before else [*COMMANDS[verb], "--quiet"]
    expected = "models:/tiny@champion\n" if verb == "tune" else ""
    assert bpsearch(*arguments) == (0, expected, "")


def test_quiet_tells_errors(bpsearch, monkeypatch):
    result = bpsearch("tune", "none.toml", "--quiet")
    assert (result.code, result.out, result.err) == (2, "", "error: none.toml: no such study file\n")
    Path("tiny.toml").write_text(STUDY.replace("0.01, ", ""))
    assert bpsearch("tune", "tiny.toml", "--quiet") == (1, "", "error: no trial finished healthy\n")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "tune", fail)
    assert bpsearch("tune", "tiny.toml", "--quiet") == (130, "", "")


@pytest.mark.parametrize(("switch", "out", "err"), [("--quiet", "", ""), ("--json", "{}", "careful")])
def test_what_others_print_and_warn_is_not_in_the_way(bpsearch, monkeypatch, switch, out, err):
    """Libraries may print. Under `--quiet` there are no warnings either."""

    def cross_validate(*_):
        print("a library speaks")
        warnings.warn("careful", UserWarning, stacklevel=1)
        sys.exit(0)

    monkeypatch.setattr(tuning, "cross_validate", cross_validate)
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: print(message, file=sys.stderr))
    warnings.simplefilter("default")
    result = bpsearch("cv", "tiny.toml", switch)
    assert (result.code, result.out) == (0, "")
    assert "a library speaks" in result.err
    assert ("careful" in result.err) is bool(err)


def test_json_has_more_to_say_than_quiet(bpsearch):
    assert bpsearch("cv", "tiny.toml", "--json", "--quiet").document["name"] == "tiny"
