"""Text of files and data in one line: whatever it holds, only what is seen comes out, and nothing is lost."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpmodel.names.visible import DRAWN_AS_NOTHING, visible

HARMLESS = set("LMNPS")
"""Classes of Unicode that may come out: letters, marks, numbers, punctuation and symbols; and the space."""


def is_seen(text: str) -> bool:
    return all(c == " " or unicodedata.category(c)[0] in HARMLESS for c in text) and not DRAWN_AS_NOTHING.search(text)


def test_no_character_of_unicode_acts_or_hides():
    every = (chr(number) for number in range(sys.maxunicode + 1))
    changed = {c: visible(c) for c in every if visible(c) != c}
    assert all(is_seen(shown) and shown.isascii() for shown in changed.values())
    kept = {c for c in map(chr, range(sys.maxunicode + 1)) if c not in changed}
    assert all(map(is_seen, kept))
    assert set("aé房ㅏ☃😀 $<&|`\\'\"~") <= kept  # a text that is seen is not for this function to judge


@pytest.mark.parametrize(
    "character",
    [
        *("\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\x9d"),  # C0, DEL, C1
        *("\r", "\n", "\t", "\x0b", "\x0c", "\u2028", "\u2029"),  # lines
        *("\u202a", "\u202e", "\u2066", "\u2069", "\u200e", "\u061c"),  # direction
        *("\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060", "\u034f", "\u3164", "\U000e0041", "\U000e0100"),  # no width
        *("\ud800", "\udcff", "\ue000", "\U0010ffff", "\u0378", "\u00a0", "\u3000"),
    ],
)
def test_what_acts_hides_or_reorders_is_an_escape(character):
    assert visible(f"a{character}b") not in (f"a{character}b", "ab")
    assert json.loads(f'"{visible(character)}"') == character if ord(character) <= 0xFFFF else True


@given(st.text(st.characters(codec=None)))
def test_any_text_is_one_visible_line_and_stays_it(text):
    shown = visible(text)
    assert is_seen(shown)
    assert visible(shown) == shown
    assert len(shown.splitlines()) <= 1


def test_what_is_no_text_is_converted():
    assert visible(ValueError("a\nb")) == "a\\nb"
