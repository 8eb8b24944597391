"""HTML that is right by construction: every text is escaped, and only what is made here counts as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from bpmodel.names.visible import visible

VOID = {"meta", "br", "img", "col"}
"""Elements without content."""

LONGEST = 300
"""Characters of a text in a cell; of a longer one, the beginning and the end are shown."""


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Return a text as HTML that shows it in one line; what would not be seen is shown as an escape.

    >>> print(text("<b> & 'c'"), text("a" + chr(10) + "b"))
    &lt;b&gt; &amp; &#x27;c&#x27; a\\nb
    """
    return value if isinstance(value, Markup) else Markup(escape(visible(value)))


P_VALUE = re.compile(r"\bp (?:=|&lt;) [\d.e-]+")


def sentence(value: object) -> Markup:
    """Return a sentence as HTML: no line ends within ``p = 0.5``.

    >>> print(sentence("a < b (p < 0.001)."))
    a &lt; b (<span class="p">p &lt; 0.001</span>).
    """
    return Markup(P_VALUE.sub(lambda found: f'<span class="p">{found[0]}</span>', text(value)))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """Return an element: its children are escaped unless they are `Markup`, and so are the values of its attributes.

    An attribute whose value is None is left out; ``class_`` and ``for_`` stand for ``class`` and ``for``, and other lines below
    for hyphens.

    >>> print(tag("p", "1 < 2, ", tag("b", "so"), class_="note", id=None))
    <p class="note">1 &lt; 2, <b>so</b></p>
    >>> print(tag("br"))
    <br>
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{''.join(map(text, children))}</{name}>")


def joined(parts: Iterable[Markup], between: str = "\n") -> Markup:
    """Join pieces of HTML."""
    return Markup(between.join(part for part in parts if part))


def lines(content: str) -> Markup:
    """Return a text of several lines, for an element that keeps them.

    >>> print(lines("a <b>" + chr(13) + chr(10) + chr(9) + "c").replace(chr(10), "|"))
    a &lt;b&gt;|    c
    """
    return Markup("\n".join(text(line.expandtabs(4)) for line in content.replace("\r\n", "\n").split("\n")))


def short(value: object) -> str:
    """Return a text without its middle if it is long.

    >>> short("abc"), len(short("a" * 10_000))
    ('abc', 300)
    """
    shown = str(value)
    half = (LONGEST - 1) // 2
    return shown if len(shown) <= LONGEST else f"{shown[:half]}…{shown[-(LONGEST - 1 - half) :]}"


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[int] = (),
    caption: str = "",
    own: int | None = None,
) -> Markup:
    """Return a table in a box that scrolls by itself where the page is narrow.

    Parameters
    ----------
    head : sequence
        A cell for each column.
    rows : iterable of sequence
        The first cell of a row is its heading.
    numbers : sequence of int
        Columns that are aligned at the right.
    caption : str
        What the table shows: it stands above the box, where it need not be scrolled.
    own : int, optional
        The row that the others are compared with.
    """
    right = dict.fromkeys(numbers, "n")
    heading = tag("tr", *(tag("th", cell, scope="col", class_=right.get(i)) for i, cell in enumerate(head)))
    body = []
    for number, (first, *more) in enumerate(rows):
        cells = [tag("td", cell, class_=right.get(i)) for i, cell in enumerate(more, start=1)]
        body.append(tag("tr", tag("th", first, scope="row"), *cells, class_="own" if number == own else None))
    whole = tag("table", tag("thead", heading), tag("tbody", joined(body)))
    box = tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption or head[0])
    return joined([tag("p", caption, class_="caption") if caption else Markup(), box])


def facts(pairs: Iterable[tuple[object, object]]) -> Markup:
    """Return a list of names and values; pairs without a value are left out."""
    return tag(
        "dl", joined(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value not in (None, ""))
    )


def folded(title: object, *content: Markup) -> Markup:
    """Return something that is shown when its title is clicked."""
    return tag("details", tag("summary", title), *content)


def section(anchor: str, title: str, *content: Markup) -> Markup:
    """Return a section of the page; empty if it has no content."""
    return tag("section", tag("h2", title), joined(content), id=anchor) if any(content) else Markup()
