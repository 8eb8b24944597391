"""Studies side by side, and journals that are odd."""

from pathlib import Path

import numpy as np
import pytest

from search.catalog import comparison, documents, entries, words
from search.catalog.comparison import Side, compare
from search.catalog.entries import Entry
from search.errors import StudyError
from search.results.paired_test import difference
from search.terminal.output import as_json
from search.tracking.listing import Kept
from search.tracking.models.registry import Version

NOWHERE = "sqlite:///none.db"
RMSE = "neg_root_mean_squared_error"
GOOD, BAD = (-1.0, -1.1, -0.9), (-2.0, -2.2, -2.1)
FOLDS = ("rows", "y", "folds")


def side(title: str, scores=GOOD, folds=FOLDS, scoring=RMSE, **params) -> Side:
    return Side(
        title, {"trials": 3}, scoring, float(np.mean(scores)) if scores else None, 0.1, scores, folds, 0.5, params
    )


def test_two_studies_on_the_same_folds_are_tested():
    found = compare([side("a"), side("b", BAD), side("c", (-1.0, -1.1, -0.91))])
    assert found.differences["a", "b"] == difference(GOOD, BAD, 0.5)
    assert found.sentences[0].startswith("a is better than b by 1.1 (corrected resampled t-test, p = ")
    assert found.sentences[1].startswith("a and c are not distinguishable on these folds")
    assert compare([side("b", BAD), side("a")]).sentences[0].startswith("a is better than b")
    assert found.rows["root mean squared error"][0] == pytest.approx(1.0)
    assert found.rows["fold 2"] == [1.1, 2.2, 1.1]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (side("b", scoring="r2"), "their metrics differ"),
        (side("b", ()), "the scores of their folds are not known"),
        (side("b", folds=("other", "y", "folds")), "their data differ"),
        (side("b", folds=("rows", "z", "folds")), "their data differ"),
        (side("b", folds=("rows", "y", "other")), "their folds differ"),
        (side("b", folds=()), "their folds differ"),
    ],
)
def test_others_are_not_tested_and_the_reason_is_told(other, why):
    found = compare([side("a"), other])
    assert found.differences == {}
    assert found.sentences == [f"a and b are not tested against each other: {why}."]


def test_folds_that_nothing_is_known_of_are_not_taken_for_the_same():
    assert compare([side("a", folds=()), side("b", BAD, folds=())]).differences == {}


def test_a_single_fold_allows_no_test():
    found = compare([side("a", (-1.0,)), side("b", (-2.0,))])
    assert found.sentences == ["a and b are not tested against each other: a single fold allows no test."]


def test_hyperparameters_are_listed_where_they_differ():
    found = compare([side("a", alpha=0.1, solver="sgd", beta=1), side("b", alpha=0.2, solver="sgd")])
    assert found.params == {"alpha": [0.1, 0.2], "beta": [1, None]}
    assert words.compared(found) is not None
    assert as_json(documents.compared(found))


def test_metrics_that_differ_have_a_row():
    found = compare([side("a"), side("b", scoring="r2")])
    assert found.rows["metric"] == ["root mean squared error", "r2"]
    assert found.rows["score"] == [pytest.approx(1.0), pytest.approx(-1.0)]


def test_journals_of_outer_folds_belong_to_their_study(tmp_path):
    for name in ("a", "a.outer-1", "a.outer-2", "b.outer-1"):
        (tmp_path / f"{name}.journal").write_text("")
    found = entries.journals(tmp_path)
    assert {name: [path.name for path in paths] for name, paths in found.items()} == {
        "a": ["a.journal", "a.outer-1.journal", "a.outer-2.journal"],
        "b.outer-1": ["b.outer-1.journal"],
    }


def test_a_damaged_journal_does_not_hide_the_others(tmp_path):
    (tmp_path / "broken.journal").write_text('{"op_code": 99}\n')
    (tmp_path / "empty.journal").write_text("")
    found = {entry.name: entry for entry in entries.entries(NOWHERE, tmp_path)}
    assert sorted(found) == ["broken", "empty"]
    assert "broken.journal cannot be read" in found["broken"].problem
    assert found["empty"].stored is None
    assert found["empty"].score is None
    assert "cannot be read" in words.facts(found["broken"])[0]
    assert as_json(documents.listed(list(found.values())))
    assert not Path("none.db").exists()


def test_a_name_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(StudyError, match=r"there is no study 'x': .* have none"):
        entries.entry(NOWHERE, "x", tmp_path)
    for i in range(12):
        (tmp_path / f"study{i}.journal").write_text("")
    with pytest.raises(StudyError, match=r"there is no study 'stuudy3' \(did you mean study3\?\); .* and 2 more"):
        entries.entry(NOWHERE, "stuudy3", tmp_path)


def test_a_study_without_a_journal_is_known_from_mlflow():
    kept = Kept(
        "1",
        "run",
        "FINISHED",
        86400.0,
        5,
        {"scoring": f"{RMSE}, r2", "cv": "5 folds", "data": "a.csv", "method": "random"},
        {"score": -2.0, "score_std": 0.5, "trials_ok": 3.0, "trials_diverged": 1.0},
        {"best.alpha": "0.1", "bpsearch.kind": "study"},
        (Version("a", 1), Version("a", 2, ("champion",)), Version("a", 3)),
    )
    entry = Entry("a", None, kept)
    assert (entry.scoring, entry.score, entry.std, entry.params) == (RMSE, -2.0, 0.5, {"alpha": "0.1"})
    assert entry.counts == {"ok": 3, "stopped": 0, "diverged": 1, "error": 0}
    assert (entry.when, entry.running, kept.champion.number) == (86400.0, False, 2)
    assert Kept(versions=kept.versions[::2]).champion.number == 3
    own = comparison.of_study(entry)
    assert (own.facts["data"], own.facts["method"], own.folds, own.ratio) == ("a.csv", "random", (), 0.25)
    assert words.kept(entry) is not None
    assert documents.line(entry)["score"] == 2.0
