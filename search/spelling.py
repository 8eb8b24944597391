"""What a misspelt name may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


def did_you_mean(name: str, known: Iterable[str], others: Mapping[str, str] | None = None) -> str:
    """Return a question to put behind a name that is not known; empty if nothing is similar.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What is allowed.
    others : mapping of str to str, optional
        Other names, in lower case, of what is allowed.

    Examples
    --------
    >>> did_you_mean("alhpa", ["alpha", "beta_1"]), did_you_mean("ALPHA", ["alpha"]), did_you_mean("x", ["alpha"])
    (' (did you mean alpha?)', ' (did you mean alpha?)', '')
    >>> did_you_mean("rmse", ["neg_max_error"], {"rmse": "neg_root_mean_squared_error"})
    ' (did you mean neg_root_mean_squared_error?)'
    """
    meant = {each.lower(): each for each in known} | dict(others or {})
    found = difflib.get_close_matches(name.lower(), meant, n=1)
    return f" (did you mean {meant[found[0]]}?)" if found else ""
