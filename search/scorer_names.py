"""Names of scikit-learn's scorers: which one was meant by a name that is none."""

from __future__ import annotations

from sklearn.metrics import get_scorer_names

from bpmodel.names.foreign import SCORERS
from bpmodel.names.near import near, plain

OTHER_NAMES = {plain(row.name): row.value for row in reversed(SCORERS)}
"""Names in other libraries and papers, without case, blanks, `-` and `_`."""
SHORT = 3
"""Names of so many letters are no near misses of each other."""


def meant(name: str) -> list[str]:
    """Return the scorers that a name may stand for: one, a few that are equally near, or none.

    >>> meant("rmse"), meant("R2"), meant("log loss"), meant("f1_mcro"), meant("profit")
    (['neg_root_mean_squared_error'], ['r2'], ['neg_log_loss'], ['f1_macro', 'f1_micro'], [])
    """
    known = {plain(each.removeprefix("neg_")): each for each in get_scorer_names()}
    known |= {plain(each): each for each in get_scorer_names()} | OTHER_NAMES
    if plain(name) in known:
        return [known[plain(name)]]
    close = near(name, [each for each in known if len(each) > SHORT or each in get_scorer_names()])
    return list(dict.fromkeys(known[each] for each in close))


def unknown(name: str) -> str:
    """Return what to tell of a name that is no scorer: the one that may be meant, and all.

    >>> unknown("rmse")[:82]
    "'rmse' is not a scikit-learn scorer (did you mean neg_root_mean_squared_error?); a"
    """
    found = meant(name)
    told = f" (did you mean {' or '.join(found)}?)" if found else ""
    return f"{name!r} is not a scikit-learn scorer{told}; allowed are {', '.join(get_scorer_names())}"
