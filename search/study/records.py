"""What the journal of a study tells beside its trials: enough for the report, without the data and without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search.errors import StudyError
from search.loop import journal
from search.loop.journal import Address, Stored
from search.results import paired_test
from search.results.result import Nested, Result
from search.space.spaces import Space
from search.study import external, study_file
from search.tracking import RegisteredModel
from search.trials.baselines import Baseline
from search.trials.out_of_fold.summary import Summary
from search.trials.outcomes import Outcome, winner

FINISHED = "finished"
"""Key of the journal's note that a study is complete."""

ABOUT = "about"
"""Key of the journal's note on the study itself."""

EXTERNAL = "external"
"""Key of the journal's note with the text of a study whose trials clients train."""

OUT_OF_FOLD = "out_of_fold"
"""Key of the journal's note on how the best trial predicts rows that it was not trained on."""


def read(path: Address) -> Stored | None:
    """Read a journal, with the hyperparameters of its trials if it knows the study file; None if it has no study yet.

    Raises
    ------
    StudyError
        If it cannot be read.
    """
    stored = journal.read(path)
    space = None if stored is None else space_of(stored)
    return stored if space is None else journal.read(path, space)


def space_of(stored: Stored) -> Space | None:
    """Return the space of a stored study; None if the journal does not know it, or this version cannot read it."""
    about, text = stored.notes.get(ABOUT), stored.notes.get(EXTERNAL)
    try:
        if text is not None:
            return external.parse(text).space
        return None if about is None else study_file.parse(about["file"], Path(about["path"])).space
    except StudyError:  # written by another version
        return None


def is_complete(stored: Stored) -> bool:
    """Return whether a study was run to its end, with as many trials as its journal has."""
    ended: dict[str, Any] = stored.notes.get(FINISHED, {})
    return bool(ended) and ended.get("trials") == len(stored.outcomes)


def result(stored: Stored) -> Result | None:
    """Return the result of a study as `tune` would; None if the journal was written before it kept what that needs."""
    about, space = stored.notes.get(ABOUT), space_of(stored)
    if about is None or space is None:
        return None
    best, ended = winner(stored.outcomes), stored.notes.get(FINISHED, {})
    baselines, outer = _baselines(about["baselines"]), _baselines(about.get("outer_baselines", []))
    model = RegisteredModel(ended["name"], ended["version"]) if ended.get("name") and ended.get("version") else None
    return Result(
        stored.name,
        about["method"],
        about["scheme"],
        about["scoring"],
        space,
        stored.outcomes,
        baselines,
        best,
        paired_test.next_best(stored.outcomes, best, about["ratio"]),
        paired_test.beside(baselines, best, about["ratio"]),
        Nested(ended["outer_scores"], outer) if ended.get("outer_scores") else None,
        n_networks=ended.get("n_networks", 1),
        model=model,
        suspects=tuple(tuple(names) for names in about["suspects"]),
        loss=about["loss"],
        notes=about["notes"],
        unchanged=True,
        out_of_fold=out_of_fold(stored.notes, best),
    )


def out_of_fold(notes: Mapping[str, Any], best: Outcome | None) -> Summary | None:
    """Return how the best trial predicts; None if the journal does not know it, or knows it of an earlier best trial."""
    noted = notes.get(OUT_OF_FOLD)
    return None if noted is None or best is None or noted["trial"] != best.number else Summary.of(noted)


def _baselines(noted: list[dict[str, Any]]) -> list[Baseline]:
    return [Baseline(**{**b, "fold_scores": tuple(b["fold_scores"])}) for b in noted]


def scoring(stored: Stored) -> str | None:
    """Return the metric that decides; also from journals that know little of their study."""
    about: dict[str, Any] = stored.notes.get(ABOUT, {})
    given = about.get("scoring") or stored.notes.get("identity", {}).get("[cv]", {}).get("scoring")
    return given[0] if isinstance(given, list) else given
