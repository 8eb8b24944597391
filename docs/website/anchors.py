"""Links between the files of the repository, as they are read there: files and headings are where a link says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    r"""Return the anchors of the headings of a Markdown text, by GitHub's rule.

    >>> sorted(anchors("# One `name_`, and more\n## 中文。二\n## Two\n## Two"))
    ['one-name_-and-more', 'two', 'two-1', '中文二']
    """
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def faults(path: Path) -> list[str]:
    """Return the links of a file that lead nowhere; those to other sites are not followed."""
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"`[^`\n]*`", "", FENCED.sub("", text))
    return [link for link in LINK.findall(prose) if "://" not in link and not leads(link, path)]


def leads(link: str, path: Path) -> bool:
    """Return whether a link of a file leads to a file, and to a heading if it names one."""
    target, _, anchor = unquote(link).partition("#")
    file = (path.parent / target).resolve() if target else path
    if not file.exists() or not anchor:
        return file.exists()
    return file.suffix == ".md" and anchor in anchors(file.read_text(encoding="utf-8"))
