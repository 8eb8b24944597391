"""A study of Optuna's that this process alone writes, wherever Optuna keeps it."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.trial import FrozenTrial


class OpenOptunaStudy:
    """What journals in files and in memory share.

    Attributes
    ----------
    _study : optuna.Study
    """

    _study: optuna.Study

    @property
    def notes(self) -> dict[str, Any]:
        """The facts about the whole study."""
        return dict(self._study.user_attrs)

    @property
    def trials(self) -> list[FrozenTrial]:
        """The finished trials."""
        return self._study.get_trials(deepcopy=False)

    def add(self, trial: FrozenTrial) -> None:
        """Append a finished trial."""
        self._study.add_trial(trial)

    def note(self, key: str, value: Any) -> None:
        """Store a fact about the whole study."""
        self._study.set_user_attr(key, value)
