"""The one table of what may differ between journal, MLflow and files, and of what `bpsearch verify --repair` does about it."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of difference.

    Attributes
    ----------
    meaning : str
        For the documents, without a full stop.
    repair : str
        What `--repair` does, in the same form; empty if it does nothing.
    unless : str
        When it does nothing, in the same form.
    """

    meaning: str
    repair: str = ""
    unless: str = ""


ANOTHER_COPY = "another copy of the project goes on with the study"

KINDS = {
    "store_moved": Kind(
        "The database names files at a place that the project was moved or copied from",
        "It names those beside it, as with the next `tune`",
    ),
    "journal_damaged": Kind("A line of the journal is not as it must be; nothing else of the study is compared"),
    "journal_cut": Kind(
        "A kill has cut off the last line of the journal, or what was cut off lies beside it, in `<name>.journal.cut`",
        "The beginning of the line goes away: it is of a trial that was not finished",
        "what lies there is a whole line",
    ),
    "outer_open": Kind("The study is complete, but the journal of an outer fold is not, or is gone"),
    "study_unrecorded": Kind(
        "The store has no run of the study; `bpsearch tune` writes it, or `bpsearch serve` if clients train it"
    ),
    "parent_doubled": Kind(
        "The study has several parent runs",
        "The one with the most trials stays, the others go to MLflow's trash",
        "one of the others has a version of the model, or a trial that is nowhere else",
    ),
    "trial_orphaned": Kind(
        "The run of a trial has a parent that is gone",
        "It goes to MLflow's trash",
        "the journal does not have this trial",
    ),
    "trial_cut": Kind(
        "The run of a trial was begun and not ended", "It goes to MLflow's trash, and is written anew", ANOTHER_COPY
    ),
    "trial_doubled": Kind(
        "A trial has several runs of one outcome",
        "The one that agrees with the journal, or else the oldest, stays; the others go to MLflow's trash",
    ),
    "trial_differs": Kind(
        "Verdict or score of a trial are not those of the journal",
        "Its run goes to MLflow's trash, and is written anew",
        "it is of another evaluation: another copy of the project has written it",
    ),
    "trial_unknown": Kind("MLflow has a trial that the journal lacks: another copy of the project has written it"),
    "trial_missing": Kind(
        "A trial of the journal has no run",
        "It is written from the journal",
        f"the journal is of an older version, or {ANOTHER_COPY}",
    ),
    "parent_running": Kind(
        "The parent run is RUNNING, but nobody runs the study",
        "It is FINISHED if the study is complete, otherwise KILLED",
        ANOTHER_COPY,
    ),
    "parent_finished": Kind("The parent run is FINISHED, but the study is not complete", "It is KILLED"),
    "model_pending": Kind(
        "A logged model waits for files that nobody writes", "It goes to MLflow's trash", "a version was made of it"
    ),
    "model_doubled": Kind(
        "A result has several logged models",
        "One stays, that of a version if there is one; the others go to MLflow's trash",
        "each of them has a version",
    ),
    "version_doubled": Kind(
        "A result has several versions of the model",
        "The champion, the challenger or else the first one stays; the others are deleted",
        "both are champion and challenger",
    ),
    "version_missing": Kind("The store lacks the version that the journal names; `bpsearch tune` registers it again"),
    "version_without_files": Kind(
        "The files of a version of the model are gone",
        "The version is deleted",
        "it has an alias, such as that of the champion: the next model takes its place",
    ),
    "version_without_run": Kind("The run of a version of the model was deleted; MLflow's trash may have it"),
    "alias_astray": Kind(
        "An alias of the model names a version that is not there",
        "It is deleted; the latest version becomes the champion if the champion was meant",
    ),
    "files_missing": Kind(
        "A run lacks files that it should have: those of the study, the diagnosis of a trial",
        "They are written from the journal; out-of-fold predictions are lost",
        "the journal is of an older version, or not there",
    ),
    "folder_astray": Kind(
        "A folder of files belongs to no run and to no model",
        "It is deleted",
        "it has more than the first files of a run, which a kill leaves",
    ),
    "report_missing": Kind(
        "A complete study whose journal is a file has no report",
        "It is written from the journal",
        "the journal is of an older version, or another file is in its place",
    ),
    "report_old": Kind("The report is older than the last trial", "It is written from the journal"),
    "left_behind": Kind(
        "A kill has left a draft (`.….new`, ten minutes old at least), a lock that nobody holds, or a folder `.bpsearch-…`",
        "It is deleted",
    ),
}
"""Every kind by its name, in the order in which they are repaired: what is left of one may be one of the next."""


def repaired(kind: Kind) -> str:
    """Return what `--repair` does, in a sentence.

    >>> repaired(KINDS["journal_damaged"]), repaired(KINDS["parent_finished"])
    ('Nothing.', 'It is KILLED.')
    """
    if not kind.repair:
        return "Nothing."
    return f"{kind.repair}{f'. Nothing, if {kind.unless}' if kind.unless else ''}."
