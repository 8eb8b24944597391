"""What to tell of a name that is not known: the one that it may have meant, in brackets behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from bpmodel.names import foreign
from bpmodel.names.foreign import Foreign
from bpmodel.names.near import near, plain

NUMBERS = {
    "learning_rate": "learning_rate_init",
    "early_stopping": "n_iter_no_change",
    "clipping": "clip_threshold",
}
"""Options that take no number, and the option that does."""


def of_key(name: str, known: Iterable[str], elsewhere: Mapping[str, str] | None = None, value: Any = None) -> str:
    """Return what to put behind the unknown name of an option or key; empty if nothing is similar.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What is allowed there.
    elsewhere : mapping of str to str, optional
        What is allowed in other places, and how to write it.
    value : object, optional
        What was given for it. TOML makes a table of the first part of a dotted name, such as MATLAB's trainParam.epochs.

    Examples
    --------
    >>> of_key("alhpa", ["alpha", "beta_1"]), of_key("x", ["alpha"])
    (' (did you mean alpha?)', '')
    >>> of_key("trainParam", ["max_iter"], value={"epochs": 100})
    ' (epochs in MATLAB is max_iter here)'
    >>> of_key("serach", ["search"], {"random_state": "[model] random_state"}, {"seed": 0})
    ' (did you mean search?)'
    >>> of_key("n_trials", ["alpha"], {"n_trials": "[search] n_trials"}), of_key("mc", ["momentum"])
    (' (did you mean [search] n_trials?)', ' (mc in MATLAB is momentum here)')
    """
    here = {each: each for each in known}
    written = here | {each: there for each, there in (elsewhere or {}).items() if each not in here}
    if same := [each for each in written if plain(each) == plain(name)]:
        return _question(written[same[0]])
    own = foreign.find(foreign.KEYS, name)
    parts = [f"{name}.{part}" for part in value] if isinstance(value, Mapping) else []
    inside = [row for each in parts for row in foreign.find(foreign.KEYS, each)]
    rows = [*own, *inside]
    if not any(row.option in written for row in own) and (found := near(name, here)):
        return _question(*(here[each] for each in found))  # a misspelt table, whatever its keys are elsewhere
    for row in [row for row in rows if row.option in written]:
        return _told(row, written[row.option])
    if found := near(name, written):
        return _question(*(written[each] for each in found))
    return next((_absent(row) for row in rows if not row.option), "")


def of_value(option: str, value: Any, allowed: Iterable[str]) -> str:
    """Return what to put behind a value that an option does not allow; empty if nothing is similar.

    Parameters
    ----------
    option : str
        Name of the option, which may have a prefix such as ``bpregressor__``.
    value : object
        What was given.
    allowed : iterable of str
        The names that are allowed.

    Examples
    --------
    >>> of_value("solver", "trainlm", ["adam", "lm"]), of_value("solver", "LM", ["adam", "lm"])
    (" (trainlm in MATLAB is solver = 'lm' here)", " (did you mean 'lm'?)")
    >>> of_value("activation", "traingd", ["relu"])
    " (traingd in MATLAB is solver = 'sgd' with momentum = 0 here)"
    >>> of_value("activation", "softmax", ["relu"])
    ' (softmax in MATLAB: a classifier has it at the output by itself)'
    >>> of_value("learning_rate", 0.01, ["constant"]), of_value("solver", "profit", ["adam"])
    (' (a number is learning_rate_init)', '')
    >>> of_value("activation", "logsigg", ["logistic", "relu"])
    " (logsig in MATLAB is activation = 'logistic' here)"
    """
    option, known = option.rpartition("__")[2], list(allowed)
    if not isinstance(value, str):
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        return f" (a number is {NUMBERS[option]})" if is_number and option in NUMBERS else ""
    if same := [each for each in known if plain(each) == plain(value)]:
        return _question(*map(repr, same[:1]))
    rows = foreign.find(foreign.VALUES, value)
    own = [row for row in rows if row.option == option]
    for row in [row for row in own if row.value in known]:
        return _told(row, row.here)
    for row in [row for row in own if row.task]:
        return f" ({row.name} in {row.tool} is {row.here} here, for {row.task} only)"
    if found := near(value, known):
        return _question(*map(repr, found))
    for row in [row for row in rows if row.option != option]:
        return _told(row, row.here) if row.option else _absent(row)
    meant = near(value, {row.name for row in foreign.VALUES if row.option == option and row.value in known})
    return of_value(option, meant[0], known) if len(meant) == 1 else ""


def of_name(name: str, known: Iterable[str]) -> str:
    """Return what to put behind an unknown name that is the user's own, such as that of a column; empty if none is similar.

    >>> of_name("prise", ["price", "area"]), of_name("面级", ["面积", "楼层"])
    (' (did you mean price?)', '')
    """
    return _question(*near(name, known))


def _question(*names: str) -> str:
    return f" (did you mean {' or '.join(names)}?)" if names else ""


def _told(row: Foreign, here: str) -> str:
    """Say what a name of another tool is here."""
    return f" ({row.name} in {row.tool} is {here} here)"


def _absent(row: Foreign) -> str:
    return f" ({row.name} in {row.tool}: {row.remark})"
