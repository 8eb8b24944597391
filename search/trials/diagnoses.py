"""Diagnosis of one configuration, fold by fold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

from bpmodel.diagnosis.evidence import Record
from bpmodel.diagnosis.findings import Diagnosis, Finding
from bpmodel.diagnosis.rules import RULES, Rule
from search.space.dimensions import label
from search.trials.fold_fits import begin
from search.trials.nesting import split_params
from search.trials.outcomes import Outcome
from search.trials.problem import Problem, Trial

EPOCHS = frozenset({"max_iter", "early_stopping"})
"""Options for the number of epochs, which every search finds."""


def diagnose(problem: Problem, trial: Trial, tried: Collection[str] = ()) -> list[Diagnosis | None]:
    """Train one configuration on each fold, to the last epoch or until it diverges, and diagnose each fit.

    The fits are the same as in `evaluate`; but `evaluate` ends all of them when the first one diverges or the trial is
    stopped. `tried` is for the winner of a search, as in `diagnosis`.
    """
    found = []
    for network, fit in begin(problem, trial)[1]:
        fit.advance(fit.max_iter)
        found.append(diagnosis(network.end_fit(fit), tried))
    return found


def diagnosis(network: Any, tried: Collection[str] = ()) -> Diagnosis | None:
    """Return the diagnosis of a fitted network; None if too little is recorded for one (full-batch solvers).

    Parameters
    ----------
    tried : collection of str
        For the winner of a search, the hyperparameters of which it has tried several values (`tried_in`). The diagnosis
        then never advises another value of them, because the search has found that others are worse.
    """
    if not len(network.probes_["epoch"]):
        return None
    rules = [partial(_unless_tried, rule, frozenset(tried) | EPOCHS) for rule in RULES] if tried else RULES
    return network.diagnose(rules=rules)


def _unless_tried(rule: Rule, tried: frozenset[str], record: Record) -> Finding | None:
    """Apply a rule; leave out a finding of a fit that did not diverge if the search has tried its remedy.

    It is tried if all its changes were; for a finding about how much to fit one of them is enough, as they are alternatives.
    """
    finding = rule(record)
    if finding is None or not finding.change or record.diverged:
        return finding
    answered = set(finding.change) & tried if rule.amount else set(finding.change) <= tried
    return None if answered else finding


def tried_in(problem: Problem, outcomes: Iterable[Outcome]) -> set[str]:
    """Return the hyperparameters of the network of which trials tried several values."""
    values: dict[str, set[str]] = {}
    for outcome in outcomes:
        params, _ = split_params(problem.estimator, problem.full_names(outcome.params))
        for name, value in params.items():
            values.setdefault(name, set()).add(label(value))
    return {name for name, labels in values.items() if len(labels) > 1}
