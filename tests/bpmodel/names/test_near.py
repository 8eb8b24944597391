"""Near misses: any slip of one letter is understood, other words are not."""

import itertools

import pytest

from bpmodel.names import near as near_module
from bpmodel.names.near import LIMIT, MOST, distance, near, plain
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing.options import PREPROCESSING

NAMES = {o.name: o for o in (*REGRESSOR_OPTIONS, *CLASSIFIER_OPTIONS, *PREPROCESSING)}
KNOWN = {"names of options": sorted(NAMES)}
KNOWN |= {f"values of {o.name}": sorted(o.domain.names) for o in NAMES.values() if o.domain.names}
UNRELATED = ["banana", "profit", "house", "window", "x", "", "?", "tree", "python", "42", "面积", "my own", "spaceship"]


def slips(name):
    """Return a name with a letter too few, two letters transposed, or another case."""
    letters = range(len(name)) if len(name) < 8 else (0, 1, len(name) // 2, len(name) - 1)
    yield from (name[:i] + name[i + 1 :] for i in letters)
    yield from (name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in letters if i + 1 < len(name))
    yield from (name[:i] + name[i].swapcase() + name[i + 1 :] for i in letters)
    yield from (name.upper(), name.title(), name.replace("_", "-"), name.replace("_", " "))


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_a_slip_is_told_the_name(known):
    for name in known:
        for slip in slips(name):
            if len(plain(slip)) > 1 and plain(slip) not in {plain(each) for each in known} - {plain(name)}:
                assert name in near(slip, known), slip


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("word", UNRELATED)
def test_other_words_are_told_nothing(word, known):
    assert near(word, known) == []


@pytest.mark.parametrize(
    ("written", "known", "is_near"),
    [
        ("lm", "ml", True),  # 1 of 4 letters
        ("adem", "adam", True),  # 2 of 8
        ("decay", "decay_rate", True),  # 4 of 14, 0.286
        ("batch", "batch_sizes", False),  # 5 of 15, 0.333
        ("tal", "tol", False),  # 2 of 6, 0.333
        ("xm", "lm", False),
        ("l", "l1", False),  # 1 of 3
    ],
)
def test_threshold(written, known, is_near):
    share = distance(plain(written), plain(known)) / (len(plain(written)) + len(plain(known)))
    assert (share <= LIMIT) is is_near
    assert near(written, [known]) == ([known] if is_near else [])


def test_at_the_limit():
    """Seven letters of ten in common are near, and one less is not."""
    assert distance("abcdefg", "abcdefghijklm") == 6  # of 20: 0.3
    assert near("abcdefg", ["abcdefghijklm"]) == ["abcdefghijklm"]
    assert near("abcdefg", ["abcdefghijklmn"]) == []  # 7 of 21
    assert near("a" * 19, ["a" * 36]) == []  # 17 of 55: 0.309


def test_equally_near_names_are_told_in_their_order_unless_they_are_many():
    assert near("name", ["name3", "name1", "name2"]) == ["name3", "name1", "name2"]
    assert near("name", ["name3", "name1", "name2", "name4"]) == []
    assert MOST == 3


def test_the_nearer_name_alone_is_told():
    assert near("n_split", ["split", "n_splits"]) == ["n_splits"]  # 1 of 13 letters, and 1 of 11
    assert near("anything", []) == []
    assert near("?", ["!"]) == []  # without letters, there is nothing to compare


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("abc", "ac", 1), ("abc", "acb", 1), ("abc", "axc", 2)],
)
def test_distance_by_hand(one, other, steps):
    assert distance(one, other) == distance(other, one) == steps


def test_distance_is_the_length_of_the_shortest_way():
    """An oracle that tries every way: letters deleted, inserted or transposed, of all words of two letters up to four long."""

    def ways(word):
        yield from (word[:i] + word[i + 1 :] for i in range(len(word)))
        yield from (word[:i] + letter + word[i:] for i in range(len(word) + 1) for letter in "ab")
        yield from (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))

    words = ["".join(w) for n in range(4) for w in itertools.product("ab", repeat=n)]
    for word in words:
        steps, front = {word: 0}, [word]
        for step in range(1, 7):
            front = list({new for old in front for new in ways(old) if len(new) <= 4} - steps.keys())
            steps |= dict.fromkeys(front, step)
        assert all(distance(word, other) == steps[other] for other in words)


def test_of_very_many_names_the_first_are_compared(monkeypatch):
    compared = []
    monkeypatch.setattr(near_module, "distance", lambda one, other: compared.append(other) or distance(one, other))
    known = ["alpha", *(f"{'b' * 100}{i}" for i in range(10_000))]
    assert near("a" + "b" * 100, known)[:1] != ["alpha"]
    assert len(compared) < 120
