"""Near misses: which known names a misspelt one resembles."""

from __future__ import annotations

from collections.abc import Iterable

LIMIT = 0.3
"""Largest distance over the letters of both names. One letter too few, too many or transposed is a near miss in names of two
letters (1/4), a wrong letter in names of four (2/8 = 0.25); three letters with a wrong one (2/6) are another word."""
LONGEST = 200
"""Letters of the longest name that is compared: longer ones are no slip of the pen, and take quadratic time."""

MOST_PAIRS = 1_000_000
"""Pairs of letters that are compared, in about a second; a table of many columns has more."""

MOST = 3
"""Largest number of equally near names that are told; more would be no answer."""


def plain(name: str) -> str:
    """Return a name without case, blanks and punctuation.

    >>> plain("Learning-Rate_init"), plain("R^2")
    ('learningrateinit', 'r2')
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def distance(one: str, other: str) -> int:
    """Return the number of letters to delete, insert or transpose with a neighbor, to turn one text into the other.

    A wrong letter is one to delete and one to insert. Neighbors are transposed at most once: the optimal string alignment of
    Damerau (1964), without substitutions.

    >>> distance("alhpa", "alpha"), distance("alpa", "alpha"), distance("alpja", "alpha"), distance("", "tol")
    (1, 1, 2, 3)
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        row = [i + 1]
        for j, there in enumerate(other):
            least = last[j] if letter == there else min(last[j + 1], row[j]) + 1
            if i and j and letter == other[j - 1] and one[i - 1] == there:
                least = min(least, before[j - 1] + 1)
            row.append(least)
        before, last = last, row
    return last[-1]


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that are nearest to a name, in their order; empty if none is near, or too many are.

    Case, blanks and punctuation do not count.

    >>> near("alhpa", ["alpha", "beta_1"]), near("Beta", ["alpha", "beta_1", "beta_2"]), near("x", ["l1"])
    (['alpha'], ['beta_1', 'beta_2'], [])
    """
    written = plain(name)
    if not 0 < len(written) <= LONGEST:
        return []
    shares, pairs = {}, 0
    for each in known:
        there = plain(each[: 2 * LONGEST + 1])
        if abs(len(written) - len(there)) > LIMIT * (len(written) + len(there)):  # each further letter counts
            continue
        pairs += len(written) * len(there)
        if pairs > MOST_PAIRS:
            break
        shares[each] = distance(written, there) / (len(written) + len(there))
    least = min(shares.values(), default=1.0)
    found = [each for each, share in shares.items() if share == least <= LIMIT]
    return found if len(found) <= MOST else []
