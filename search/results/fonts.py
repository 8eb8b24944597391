"""Fonts for texts of the user's in figures: Matplotlib's own font has no Chinese, Japanese or Korean characters."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager

WIDE = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("PingFang SC", "Hiragino Sans GB", "Heiti SC", "STHeiti", "Microsoft YaHei", "SimHei"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS"),
    *("Noto Sans CJK TC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Yu Gothic", "Malgun Gothic"),
)
"""Fonts with these characters, as systems call them; the first that is installed is used."""
PLAIN = "sans-serif"
REPLACEMENT = "?"


@cache
def families() -> tuple[str, ...]:
    """Return the font families for a text of the user's: Matplotlib's, then one for the characters that it lacks.

    >>> families()[0]
    'sans-serif'
    """
    installed = set(font_manager.get_font_names())
    return (PLAIN, *[name for name in WIDE if name in installed][:1])


def drawable(text: str) -> str:
    """Return a text with a question mark for each character that no font has, as in terminals.

    Without that, Matplotlib warns and draws a box for each.

    >>> drawable("tanh, ±1 \\U000e0001")
    'tanh, ±1 ?'
    """
    return "".join(letter if letter.isspace() or ord(letter) in _known() else REPLACEMENT for letter in text)


@cache
def _known() -> frozenset[int]:
    """Return the characters of all families."""
    paths = [font_manager.findfont(font_manager.FontProperties(family=[name])) for name in families()]
    return frozenset(code for path in paths for code in font_manager.get_font(path).get_charmap())
