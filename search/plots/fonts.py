"""Fonts for texts of the user's in figures: Matplotlib's own font has no Chinese, Japanese or Korean characters."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager

from bpmodel.names.visible import visible

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
    """Return a text that Matplotlib draws as it is: with a question mark for each character that no font has.

    Without that, Matplotlib warns and draws a box for each. What lies between two signs $ would be a formula, which may be none:
    drawing would end with an error.

    >>> drawable("tanh, ±1 \\U000e0001 $x^$")
    'tanh, ±1 ? \\\\$x^\\\\$'
    """
    drawn = (c if c == "\n" or (ord(c) in _known() and visible(c) == c) else REPLACEMENT for c in text)
    return "".join(drawn).replace("$", r"\$")


@cache
def _known() -> frozenset[int]:
    """Return the characters of all families."""
    paths = [font_manager.findfont(font_manager.FontProperties(family=[name])) for name in families()]
    return frozenset(code for path in paths for code in font_manager.get_font(path).get_charmap())
