"""Checks of the built site: links, anchors and images lead somewhere, nothing is loaded from elsewhere, the search can work."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}
"""What a browser loads with a page, unlike a link that somebody must follow."""


class Page(HTMLParser):
    """The places of a page, `ids`, and what it refers to, `links`: pairs of an address and whether it is loaded."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[tuple[str, bool]] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("id", "name"):
                self.ids.add(value)
            elif value and name in ("href", "src"):
                self.links.add((value, (tag, name) in LOADED))


def faults(site: Path) -> list[str]:
    """Return what is wrong with a site, a line each."""
    # what is in _static are templates of the theme
    files = [path for path in sorted(site.glob("**/*.html")) if "_static" not in path.parts]
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in files}
    return [
        f"{path.relative_to(site.resolve())}: {fault}"
        for path, page in pages.items()
        for link, loaded in sorted(page.links)
        if (fault := wrong(link, loaded, path, pages))
    ] + unsearchable(site)


def unsearchable(site: Path) -> list[str]:
    """Return why the search finds nothing, or nothing: its script must be one, and define what it names."""
    script = site / "_static/language_data.js"
    if not script.exists():
        return []
    text = script.read_text(encoding="utf-8")
    (named,) = re.findall(r"^window\.Stemmer = (.*);$", text, re.MULTILINE) or [""]
    defined = re.search(rf"\b{re.escape(named)} ?=", text)
    return [] if named and defined else [f"_static/language_data.js: the stemmer {named!r} is not defined"]


def wrong(link: str, loaded: bool, path: Path, pages: dict[Path, Page]) -> str:
    """Return what is wrong with one reference of a page, or nothing."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return f"{link} is loaded from elsewhere" if loaded and parts.scheme != "data" else ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return f"{link} leads nowhere"
    place = unquote(parts.fragment)
    return f"{link}: the page has no such place" if place and target in pages and place not in pages[target].ids else ""
