"""What a report tells of a study beside its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search.results.result import Result


@dataclass(frozen=True)
class Source:
    """A study as the page tells of it.

    Attributes
    ----------
    result : Result
    about : dict
        What the journal knows of the study (`search.study.notes`): ``data``, ``target``, ``task``, ``rows``, ``columns``,
        ``ratio``, ``notes``, ``budget``, ``versions``, ``file``. Each may be missing.
    marks : dict of str to object
        What makes trials comparable, for "how to reproduce": fingerprints of data and folds, the seed.
    complete : bool
        Whether the search has ended; otherwise the page says that it is of a study that is not finished.
    when : float
        When the last trial ended, in seconds since 1970; 0 if that is not known.
    store : str
        Where models are registered, as MLflow's tracking URI without a password; empty if there is none.
    """

    result: Result
    about: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = True
    when: float = 0.0
    store: str = ""

    @property
    def file(self) -> str:
        """The study file, as it was when the study ran; empty if there is none."""
        return str(self.about.get("file") or "")

    @property
    def ratio(self) -> float | None:
        """Validation rows over training rows of a fold."""
        return self.about.get("ratio")
