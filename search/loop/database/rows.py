"""A finished trial, written straight into Optuna's tables: the rows that `optuna.Study.add_trial` would write, in less time.

`add_trial` asks the database about each hyperparameter and attribute, some forty statements for a trial. Here there are eight.
That is only done with tables of a revision that is known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial
from sqlalchemy import Connection, cast, column, func, insert, select, table
from sqlalchemy.types import TypeEngine, UserDefinedType

REVISIONS = ("v3.2.0.a",)
"""Revisions of Optuna's tables that are as they are written here."""


class _Named(UserDefinedType[str]):
    """A type of the database, by its name: Optuna's enumerations."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name

    def bind_expression(self, bindvalue: Any) -> Any:
        return cast(bindvalue, self)


def _table(name: str, *columns: str, **typed: TypeEngine[Any]) -> Any:
    return table(name, *map(column, columns), *(column(each, kind) for each, kind in typed.items()))


studies = _table("studies", "study_id", "study_name")
trials = _table(
    "trials", "trial_id", "number", "study_id", "datetime_start", "datetime_complete", state=_Named("trialstate")
)
params = _table("trial_params", "trial_id", "param_name", "param_value", "distribution_json")
values = _table("trial_values", "trial_id", "objective", "value", value_type=_Named("trialvaluetype"))
user_attributes = _table("trial_user_attributes", "trial_id", "key", "value_json")
system_attributes = _table("trial_system_attributes", "trial_id", "key", "value_json")
intermediate_values = _table(
    "trial_intermediate_values",
    *("trial_id", "step", "intermediate_value"),
    intermediate_value_type=_Named("trialintermediatevaluetype"),
)


def add(connection: Connection, study_id: int, trial: FrozenTrial) -> None:
    """Append a finished trial to a study, in the transaction that is open.

    Parameters
    ----------
    connection : Connection
    study_id : int
    trial : FrozenTrial
    """
    own = trials.c.study_id == study_id
    connection.execute(
        select(studies.c.study_id).where(studies.c.study_id == study_id).with_for_update()
    )  # as Optuna does
    row = {
        "number": select(func.count()).select_from(trials).where(own).scalar_subquery(),
        "study_id": study_id,
        "state": trial.state.name,
        "datetime_start": _utc(trial.datetime_start),
        "datetime_complete": _utc(trial.datetime_complete),
    }
    trial_id = connection.execute(insert(trials).values(row).returning(trials.c.trial_id)).scalar_one()
    for target, found in _rows(trial):
        if found:
            connection.execute(insert(target), [{"trial_id": trial_id, **each} for each in found])


def count(connection: Connection, study_id: int, number: int) -> int:
    """Return how many trials this program calls by a number: Optuna has numbers of its own, in the order of their ends."""
    noted = user_attributes.join(trials, user_attributes.c.trial_id == trials.c.trial_id)
    found = select(func.count()).select_from(noted)
    found = found.where(trials.c.study_id == study_id, user_attributes.c.key == "number")
    return int(connection.execute(found.where(user_attributes.c.value_json == json.dumps(number))).scalar_one())


def _rows(trial: FrozenTrial) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Yield the tables with what a trial has in each."""
    distributions = trial.distributions
    yield (
        params,
        [
            {
                "param_name": name,
                "param_value": distributions[name].to_internal_repr(value),
                "distribution_json": distribution_to_json(distributions[name]),
            }
            for name, value in trial.params.items()
        ],
    )
    yield values, [{"objective": 0, **_number("value", "value_type", trial.value)}] if trial.value is not None else []
    yield user_attributes, _attributes(trial.user_attrs)
    yield system_attributes, _attributes(trial.system_attrs)
    yield (
        intermediate_values,
        [
            {"step": step, **_number("intermediate_value", "intermediate_value_type", value)}
            for step, value in trial.intermediate_values.items()
        ],
    )


def _attributes(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value_json": json.dumps(value)} for key, value in given.items()]


def _number(key: str, kind: str, value: float) -> dict[str, Any]:
    """Return a number as Optuna stores it: those that are not finite by their kinds.

    >>> _number("value", "value_type", -math.inf)
    {'value': None, 'value_type': 'INF_NEG'}
    """
    if math.isfinite(value):
        return {key: value, kind: "FINITE"}
    return {key: None, kind: "NAN" if math.isnan(value) else "INF_POS" if value > 0 else "INF_NEG"}


def _utc(when: datetime | None) -> datetime | None:
    """Return a local time as Optuna stores it."""
    return None if when is None else when.astimezone(UTC).replace(tzinfo=None)
