"""The names of what runs hold: a table for the documents, and for the test that nothing else is written.

A part in angle brackets stands for what the study says: ``<metric>`` for the name of a scorer, ``<plain metric>`` for the same
without ``neg_`` and with the sign that people use, ``<option>`` and ``<hyperparameter>`` for names of the study file, ``<name>``
for names that are listed elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

PARAMETER, METRIC, TAG, ARTIFACT = KINDS = ("parameter", "metric", "tag", "artifact")
STUDY, TRIAL, BOTH = "study", "trial", "both"
"""The runs that have it: the parent run of the study, the child run of a trial."""


class Name(NamedTuple):
    """One thing that runs hold.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    name : str
    run : str
        "study", "trial" or "both".
    meaning : str
        For the documents, without a full stop.
    """

    kind: str
    name: str
    run: str
    meaning: str


NAMES = (
    Name(PARAMETER, "<hyperparameter>", TRIAL, "Its value in this trial"),
    Name(PARAMETER, "method", STUDY, "The search method"),
    Name(
        PARAMETER,
        "<option>",
        STUDY,
        "Further settings of the search, as under `[search]`: `n_seeds`, `prune` and others",
    ),
    Name(PARAMETER, "seed", STUDY, "Folds, proposals and networks follow from it"),
    Name(PARAMETER, "scoring", STUDY, "The metrics, the one that decides first"),
    Name(PARAMETER, "cv", STUDY, "How the rows are split"),
    Name(PARAMETER, "outer", STUDY, "Number of outer folds, with nested cross-validation"),
    Name(PARAMETER, "folds", STUDY, "Number of folds"),
    Name(
        PARAMETER,
        "folds_fingerprint",
        STUDY,
        "Hash of all row numbers of all folds: scores with the same one can be compared",
    ),
    Name(PARAMETER, "data", STUDY, "Name of the data"),
    Name(PARAMETER, "data_rows", STUDY, "Number of rows"),
    Name(PARAMETER, "data_columns", STUDY, "Number of columns beside the target"),
    Name(PARAMETER, "data_fingerprint", STUDY, "Hash of the rows"),
    Name(PARAMETER, "lags", STUDY, "For forecasts: the past values that are seen"),
    Name(PARAMETER, "horizon", STUDY, "For forecasts: how far ahead"),
    Name(PARAMETER, "exogenous", STUDY, "For forecasts: further columns that are seen"),
    Name(PARAMETER, "preprocessing.<option>", STUDY, "An option of `[preprocessing]` that is the same for all trials"),
    Name(PARAMETER, "model.<option>", STUDY, "An option of `[model]` that is the same for all trials"),
    Name(PARAMETER, "space.<hyperparameter>", STUDY, "What is searched"),
    Name(
        METRIC,
        "score",
        BOTH,
        "Mean over the folds, with the scorer's sign: greater is better; of the study, that of the best trial",
    ),
    Name(METRIC, "score_std", BOTH, "Standard deviation over the folds"),
    Name(METRIC, "<plain metric>_std", STUDY, "The same under the plain name, of a registered model and its study"),
    Name(
        METRIC,
        "<plain metric>",
        BOTH,
        "The same mean as people say it: `root_mean_squared_error` 53.7; one for each metric",
    ),
    Name(METRIC, "score.<metric>", BOTH, "With several metrics, the mean of each, with the scorer's sign"),
    Name(METRIC, "fold_score", TRIAL, "Score of each fold, with the scorer's sign; the step is the fold"),
    Name(METRIC, "fold_<plain metric>", TRIAL, "The same as people say it"),
    Name(METRIC, "train_score.<metric>", TRIAL, "Mean of the scores on the training rows, with `return_train_score`"),
    Name(METRIC, "told_value", TRIAL, "The value that the search method was told: a penalty for trials that diverged"),
    Name(METRIC, "epochs", BOTH, "The number of epochs with the best mean score"),
    Name(METRIC, "seconds", TRIAL, "How long the trial took, over all folds"),
    Name(METRIC, "n_weights", TRIAL, "Weights and biases of the network"),
    Name(METRIC, "training_loss", TRIAL, "Mean over the folds; the step is the epoch, at most 50 of them"),
    Name(
        METRIC,
        "validation_loss",
        TRIAL,
        "The same on the validation rows, or with `early_stopping` on those that it sets aside",
    ),
    Name(METRIC, "score_curve", TRIAL, "Mean score of the folds at each checkpoint; the step is the epoch"),
    Name(METRIC, "<plain metric>_curve", TRIAL, "The same as people say it"),
    Name(METRIC, "gradient_norm", TRIAL, "Mean over the steps of an epoch and over the folds; at most 25 epochs"),
    Name(
        METRIC,
        "learning_rate",
        TRIAL,
        "Of the epoch's last step, mean over the folds; the epochs before and after a change",
    ),
    Name(METRIC, "diverged_epoch", TRIAL, "Where the first fold diverged"),
    Name(METRIC, "diverged_step", TRIAL, "The update at which it did"),
    Name(METRIC, "diverged_loss_ratio", TRIAL, "Its loss then, by that of the dummy predictor"),
    Name(
        METRIC,
        "best_score",
        STUDY,
        "The best score of all trials so far; the step is the trial. Written while the study runs",
    ),
    Name(METRIC, "best_<plain metric>", STUDY, "The same as people say it"),
    Name(METRIC, "trials", STUDY, "Number of trials"),
    Name(METRIC, "trials_<verdict>", STUDY, "Number of those that ended so"),
    Name(METRIC, "total_seconds", STUDY, "Sum of the seconds of all trials; several may run at once"),
    Name(METRIC, "total_epochs", STUDY, "Sum of the epochs that the trials were trained for"),
    Name(
        METRIC,
        "<baseline>_score",
        STUDY,
        "Score of a baseline on the same folds: `dummy_predictor`, `linear_model`, `gradient_boosting`, `persistence`",
    ),
    Name(METRIC, "<baseline>_score.<metric>", STUDY, "With several metrics, the mean of each"),
    Name(METRIC, "<baseline>_<plain metric>", STUDY, "The same as people say it"),
    Name(METRIC, "nested_score", STUDY, "Mean over the outer folds, with nested cross-validation"),
    Name(METRIC, "nested_score_std", STUDY, "Standard deviation over the outer folds"),
    Name(METRIC, "nested_<plain metric>", STUDY, "The mean as people say it"),
    Name(METRIC, "outer_score", STUDY, "Score of each outer fold; the step is the fold"),
    Name(METRIC, "system/<name>", STUDY, "What the machine does, with `[tracking] system_metrics`: MLflow's own names"),
    Name(TAG, "study", BOTH, "Name of the study"),
    Name(TAG, "method", BOTH, "The search method"),
    Name(TAG, "verdict", TRIAL, "How the trial ended: `ok`, `stopped`, `diverged`, `error`"),
    Name(TAG, "finding", TRIAL, "Code of the most likely cause of a divergence, such as `exploding_step`"),
    Name(TAG, "reason", TRIAL, "Why the trial ended as it did"),
    Name(TAG, "trial", TRIAL, "Its number"),
    Name(TAG, "best.<hyperparameter>", STUDY, "Its value in the best trial"),
    Name(
        TAG,
        "version.<name>",
        STUDY,
        "Versions of Python, bpsearch, NumPy, SciPy, scikit-learn, Numba, Optuna and MLflow",
    ),
    Name(
        TAG, "hardware.<name>", STUDY, "`cpu`, `cores`, `memory` and `platform`: what the study may use of the machine"
    ),
    Name(TAG, "bpsearch.command", STUDY, "The line that started the study, without passwords"),
    Name(TAG, "bpsearch.study", STUDY, "Identifier that a study keeps when it goes on"),
    Name(TAG, "bpsearch.kind", STUDY, "`study`"),
    Name(TAG, "bpsearch.outcome", TRIAL, "Hash by which copies of a project tell their trials apart"),
    Name(TAG, "mlflow.user", BOTH, "Who started it"),
    Name(TAG, "mlflow.source.name", BOTH, "`bpsearch tune`, or the name of the script"),
    Name(TAG, "mlflow.source.type", BOTH, "`LOCAL`"),
    Name(TAG, "mlflow.source.git.commit", BOTH, "The commit of the project, read from the files of Git"),
    Name(
        TAG,
        "mlflow.note.content",
        BOTH,
        "The description: what the best trial is worth, causes of divergence, advice; of a trial that diverged or failed, why",
    ),
    Name(
        TAG,
        "mlflow.runName",
        BOTH,
        "The study; `trial 7 · RMSE 53.7`, `trial 7 · stopped early · RMSE 60.2`, `trial 7 · diverged`",
    ),
    Name(TAG, "mlflow.parentRunId", TRIAL, "The run of the study"),
    Name(ARTIFACT, "study.toml", STUDY, "The study file, without passwords"),
    Name(
        ARTIFACT,
        "divergences.md",
        STUDY,
        "All diverged trials in words: how many, why, where in the space, and what to change",
    ),
    Name(ARTIFACT, "divergences.json", STUDY, "The same as data"),
    Name(ARTIFACT, "diagnosis.txt", TRIAL, "The diagnosis of a diverged trial in words"),
    Name(ARTIFACT, "diagnosis.json", BOTH, "The same as data; of the study, that of its model"),
    Name(ARTIFACT, "baselines.json", STUDY, "Differences between the best trial and each baseline, fold by fold"),
    Name(ARTIFACT, "comparison.json", STUDY, "Differences between the best trial and the runners-up"),
    Name(ARTIFACT, "front.json", STUDY, "Trials of which none is better and smaller"),
    Name(
        ARTIFACT,
        "plots/<name>",
        STUDY,
        "[Figures](plots.md) as PNG; two also as HTML that tells of the trial under the pointer",
    ),
    Name(ARTIFACT, "tables/leaderboard.csv", STUDY, "All trials, the best first"),
    Name(ARTIFACT, "tables/cv_results.csv", STUDY, "The table of scikit-learn's searches"),
    Name(
        ARTIFACT,
        "tables/out_of_fold.csv",
        STUDY,
        "What the best trial predicts for rows that it was not trained on; up to a million",
    ),
    Name(ARTIFACT, "report.html", STUDY, "The [report](studies.md#the-report), one page to keep or send"),
)
"""Everything that the runs of a study hold, beside what MLflow itself adds."""

OWN = frozenset(row.name for row in NAMES if row.kind == METRIC and "<" not in row.name)
"""Metrics that no metric of the user's may replace."""
