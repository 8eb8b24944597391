"""The line of a finished trial, as `optuna.Study.add_trial` appends it to a journal, in less time.

Optuna reads each line that it has written back at once, and builds the trial anew. Here the line is only appended; Optuna reads
it when somebody asks for the trials. That is only done if the first trial of a run, which Optuna writes, has the line that this
module makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.trial import FrozenTrial

from search.loop.lines import TRIAL, Lines


class TrialLines:
    """Appends trials to the lines of a journal.

    Parameters
    ----------
    lines : Lines
    written : dict
        The line of `trial` that Optuna has appended.
    trial : FrozenTrial
    """

    def __init__(self, lines: Lines, written: Mapping[str, Any], trial: FrozenTrial) -> None:
        self._lines, self._texts = lines, dict[str, tuple[BaseDistribution, str]]()
        self._beginning = {"op_code": TRIAL, **{key: written.get(key) for key in ("worker_id", "study_id")}}
        self.are_optunas = written == self._line(trial)

    def add(self, trial: FrozenTrial) -> None:
        """Append a trial.

        Raises
        ------
        StudyError
            If it cannot be written.
        """
        self._lines.append_logs([self._line(trial)])

    def _line(self, trial: FrozenTrial) -> dict[str, Any]:
        distributions = trial.distributions
        return self._beginning | {
            "datetime_start": _utc(trial.datetime_start),
            "state": trial.state,
            "value": trial.value,
            "values": None,
            "datetime_complete": _utc(trial.datetime_complete),
            "distributions": {name: self._text(name, each) for name, each in distributions.items()},
            "params": {name: distributions[name].to_internal_repr(value) for name, value in trial.params.items()},
            "user_attrs": trial.user_attrs,
            "system_attrs": trial.system_attrs,
            "intermediate_values": trial.intermediate_values,
        }

    def _text(self, name: str, distribution: BaseDistribution) -> str:
        """Return a distribution as text: those of a study are the same objects for each trial."""
        if name not in self._texts or self._texts[name][0] is not distribution:
            self._texts[name] = distribution, distribution_to_json(distribution)
        return self._texts[name][1]


def _utc(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).isoformat(timespec="microseconds")
