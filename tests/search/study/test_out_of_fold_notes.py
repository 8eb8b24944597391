"""The journal keeps what figures need of out-of-fold predictions."""

from search import tuning
from search.study import records, study_file


def test_the_journal_tells_how_the_best_trial_predicts(folder, small_project, all_figures):
    study = study_file.load(small_project(folder) / "small.toml")
    found = tuning.tune(study)
    assert found.out_of_fold.n == 40
    told = records.result(records.read(folder / "studies" / "small.journal"))
    assert told.out_of_fold == found.out_of_fold
    assert tuning.tune(study).out_of_fold == found.out_of_fold, "also where nothing was to be done"
    names = {"/".join(path.parts[-2:]) for path in folder.glob("mlruns/**/*.*")}
    assert {"tables/leaderboard.csv", "tables/cv_results.csv", "tables/out_of_fold.csv"} <= names
    assert {"plots/history.html", "plots/history.png", "plots/residuals.png", "plots/fold_scores.png"} <= names
