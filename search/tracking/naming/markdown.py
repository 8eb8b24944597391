"""Names, values and sentences in the descriptions of runs and models, which are Markdown."""

from __future__ import annotations

import re

from bpmodel.names.visible import visible

SIGNS = re.compile(r"[\\`*\[\]<>&|~]|(?<!\w)_|_(?!\w)")
"""What begins code, emphasis, a link, a picture, HTML, an entity or a cell. Within a word, a line below is one."""

ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
"""MLflow's pages show the backslash before these."""


def plain(text: object) -> str:
    """Return a text that Markdown shows as it is, in one line.

    >>> print(plain("![a](http://b/c.png) <b>"), plain("learning_rate_init > 0.6"))
    !\\[a\\](http://b/c.png) &lt;b&gt; learning_rate_init &gt; 0.6
    """
    return SIGNS.sub(lambda sign: ENTITIES.get(sign[0], f"\\{sign[0]}"), visible(text))


def code(text: object) -> str:
    """Return a text as code, in one line; in code, nothing has a meaning but its end.

    >>> print(code("relu"), code("a`b"), code("`"))
    `relu` `` a`b `` `` ` ``
    """
    shown = visible(text)
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if len(ticks) > 1 or not shown.strip() else ""
    return f"{ticks}{space}{shown}{space}{ticks}"
