"""What a store has of a study, as plain data: runs, logged models, versions and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search.tracking.contents.runs import OUTCOME, PARENT, RESULT, trial_of

STUDY_ID, KIND, STUDY = "bpsearch.study", "bpsearch.kind", "study"
"""The tag with the identifier of a study, and the tag and the value of its parent run."""

TAGS = (STUDY_ID, KIND, PARENT, OUTCOME, RESULT, "trial", "verdict", "finding")
"""The tags of runs that are read."""

RUNNING, FINISHED, KILLED = "RUNNING", "FINISHED", "KILLED"
ACTIVE, DELETED = "active", "deleted"


@dataclass(frozen=True)
class RunRow:
    """A run that is not deleted.

    Attributes
    ----------
    run_id, name, status : str
    started : int
        Milliseconds since 1970.
    place : str
        Where its files are.
    tags : mapping
        Those of `TAGS` that it has.
    score : float or None
    """

    run_id: str
    name: str
    status: str
    started: int
    place: str
    tags: Mapping[str, str] = field(default_factory=dict)
    score: float | None = None

    @property
    def is_study(self) -> bool:
        """Whether it is the parent run of a study."""
        return self.tags.get(KIND) == STUDY and bool(self.study_id)

    @property
    def study_id(self) -> str:
        return self.tags.get(STUDY_ID, "")

    @property
    def trial(self) -> int | None:
        """The number of its trial; None if it is no run of one."""
        return None if self.parent == "" else trial_of(self.tags.get("trial"))

    @property
    def parent(self) -> str:
        return self.tags.get(PARENT, "")

    @property
    def outcome(self) -> str:
        """The digest of the trial's outcome; empty in runs of older versions."""
        return self.tags.get(OUTCOME, "")


@dataclass(frozen=True)
class ModelRow:
    """A logged model that is not deleted; `result` names what it was made of, and is empty for models of others."""

    model_id: str
    run_id: str
    status: str
    place: str
    created: int = 0
    result: str = ""


@dataclass(frozen=True)
class VersionRow:
    """A version of a registered model.

    Attributes
    ----------
    number : int
    run_id : str
        Its parent run; empty if it came from elsewhere.
    run_stage : str
        ``active`` or ``deleted``; empty if the store does not have the run.
    place : str
        Where its files are.
    result : str
        Names what it was made of; empty for models of others.
    """

    number: int
    run_id: str
    run_stage: str
    place: str
    result: str = ""


@dataclass
class Holding:
    """What a store has of one name.

    Attributes
    ----------
    experiment_id, place : str
        The experiment and where its files go; empty if there is only a model.
    runs : list of RunRow
        Those that are not deleted, the oldest first.
    models : list of ModelRow
    versions : list of VersionRow
        By their numbers.
    aliases : dict of str to int
        The version that each alias of the registered model names, whether there is one or not.
    """

    experiment_id: str = ""
    place: str = ""
    runs: list[RunRow] = field(default_factory=list)
    models: list[ModelRow] = field(default_factory=list)
    versions: list[VersionRow] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)

    @property
    def is_study(self) -> bool:
        """Whether anything of it was written by a study."""
        return any(run.is_study for run in self.runs) or any(each.result for each in self.versions)


@dataclass
class Inventory:
    """What a store has.

    Attributes
    ----------
    holdings : dict of str to Holding
        By the name of the experiment and of the registered model.
    ids : frozenset of str or None
        Identifiers of all runs and logged models of the store, the deleted ones among them; None if they are not known.
    """

    holdings: dict[str, Holding] = field(default_factory=dict)
    ids: frozenset[str] | None = None

    def of(self, name: str) -> Holding:
        """Return what the store has of a name, to be filled."""
        return self.holdings.setdefault(name, Holding())
