"""The constructor of `BPSearchCV`. Type checkers read `constructor.pyi`, which `make docs` writes from the same table."""

from __future__ import annotations

from search.options import constructor


class SearchParameters:
    """Has an attribute for each row of `search.options.SEARCH_CV`."""

    __init__ = constructor()
