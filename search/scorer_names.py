"""Names of scikit-learn's scorers: which one was meant by a name that is none."""

from __future__ import annotations

from difflib import get_close_matches

from sklearn.metrics import get_scorer_names

OTHER_NAMES = {
    "acc": "accuracy",
    "ap": "average_precision",
    "auc": "roc_auc",
    "bacc": "balanced_accuracy",
    "brier": "neg_brier_score",
    "bss": "d2_brier_score",
    "ce": "neg_log_loss",
    "crossentropy": "neg_log_loss",
    "logloss": "neg_log_loss",
    "mae": "neg_mean_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "mcc": "matthews_corrcoef",
    "medae": "neg_median_absolute_error",
    "mse": "neg_mean_squared_error",
    "msle": "neg_mean_squared_log_error",
    "nll": "neg_log_loss",
    "prauc": "average_precision",
    "rmse": "neg_root_mean_squared_error",
    "rmsle": "neg_root_mean_squared_log_error",
    "rocauc": "roc_auc",
    "rsquared": "r2",
    "sensitivity": "recall",
}
"""Names in other libraries and papers, without case, blanks, `-` and `_`."""


def meant(name: str) -> str:
    """Return the scorer that a name may stand for, or an empty string.

    >>> meant("rmse"), meant("R2"), meant("log loss"), meant("roc_acu"), meant("profit")
    ('neg_root_mean_squared_error', 'r2', 'neg_log_loss', 'roc_auc', '')
    """
    plain = {_plain(known): known for known in get_scorer_names()}
    plain |= {_plain(known.removeprefix("neg_")): known for known in get_scorer_names() if known.startswith("neg_")}
    plain |= OTHER_NAMES
    close = get_close_matches(_plain(name), [known for known in plain if len(known) > 3], n=1, cutoff=0.75)
    return plain.get(_plain(name)) or (plain[close[0]] if close else "")


def unknown(name: str) -> str:
    """Return what to tell of a name that is no scorer: the one that may be meant, and all.

    >>> unknown("rmse")[:82]
    "'rmse' is not a scikit-learn scorer (did you mean neg_root_mean_squared_error?); a"
    """
    found = meant(name)
    told = f" (did you mean {found}?)" if found else ""
    return f"{name!r} is not a scikit-learn scorer{told}; allowed are {', '.join(get_scorer_names())}"


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
