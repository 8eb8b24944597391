"""HTML of interactive figures: a fragment with its own style and script, and the page around it.

Nothing is loaded from elsewhere. Texts are in JSON, whose signs of markup are escaped, and are shown as texts by the script.
"""

from __future__ import annotations

import json
from html import escape
from importlib import resources
from typing import Any

from search.trials.outcomes import VERDICTS

MARKS = {"o": "circle", "v": "down", "X": "cross", "s": "square"}
"""Names of Matplotlib's markers in the scripts."""

HEAD = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>body{{margin:12px}}@media(prefers-color-scheme:dark){{body{{background:#16181c}}}}</style>"
    "</head><body>{body}</body></html>\n"
)


def fragment(kind: str, title: str, told: dict[str, Any]) -> str:
    """Return a figure as HTML that may stand in any page, several times also.

    Parameters
    ----------
    kind : str
        Name of the script that draws it, a file of this folder.
    title : str
    told : dict
        What `trials.data` returns.
    """
    looks = [MARKS[verdict.marker] for verdict in VERDICTS.values()]
    content = _inert(told | {"looks": looks})
    script = _file("common.js") + _file(f"{kind}.js")
    return (
        f'<figure class="bps-figure"><style>{_file("style.css")}</style><figcaption>{escape(title)}</figcaption>'
        '<div class="bps-drawing" tabindex="0" role="application" aria-label="trials; arrow keys go from one to the next"></div>'
        '<div class="bps-told" aria-live="polite"></div><div class="bps-legend"></div>'
        f'<script type="application/json">{content}</script>'
        f"<script>(()=>{{const root=document.currentScript.parentElement;\n{script}}})()</script></figure>"
    )


def page(title: str, body: str) -> str:
    """Return a page of its own around a fragment."""
    return HEAD.format(title=escape(title), body=body)


def _inert(told: Any) -> str:
    """Return JSON that ends no script, and is no markup, wherever it stands.

    >>> _inert(["</script>&"])
    '["\\\\u003c/script\\\\u003e\\\\u0026"]'
    """
    text = json.dumps(told, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
