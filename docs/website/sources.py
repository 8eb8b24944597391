"""What Sphinx reads: the pages of `docs/`, those of the root, the reference, and links between them.

The pages are written to be read in the repository, too, so their links are those of files. Here, pages of the root become
neighbours of those of `docs/`, and other files that a page links to become downloads.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path

from docs.website import reference
from docs.website.navigation import CHINESE, ENGLISH, HOMES, REFERENCE, Group

ROOT = Path(__file__).parents[2]
FROM_ROOT = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
"""Pages of the root, and what they are called on the site."""

INSTEAD = {"README.md": "index.md", "README.zh-CN.md": "zh/index.md"}
"""Pages of the root that the site has another page for."""

DOWNLOADS = "files/"
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
FILE_NAMES = re.compile(r"\[(?:\w+/)*[\w.]+\.md\](?=\()")
"""Links that say the name of a file; on the site, they say the title of the page."""


def pages() -> dict[str, Path]:
    """Return the files with the text of the pages, by their names on the site, such as `"zh/start.md"`."""
    docs = {path.relative_to(ROOT / "docs").as_posix(): path for path in sorted((ROOT / "docs").glob("**/*.md"))}
    return docs | {there: ROOT / here for here, there in FROM_ROOT.items()}


def write(folder: Path) -> None:
    """Write all that Sphinx reads into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs/images", folder / "images")
    texts = {page: linked(path.read_text(encoding="utf-8"), page, path) for page, path in pages().items()}
    texts |= {f"{page}.md": text for page, text in reference.pages().items()}
    for language, groups in (("en", ENGLISH), ("zh", CHINESE)):
        texts[f"{HOMES[language]}.md"] += contents(groups, HOMES[language])
    texts["index.md"] += contents((Group("", (HOMES["zh"],)),), "index")
    named = tuple(page for page in reference.pages() if page != REFERENCE)
    texts[f"{REFERENCE}.md"] += contents((Group("", named),), REFERENCE)
    for page, text in texts.items():
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / page).write_text(text, encoding="utf-8")
    for file in sorted({link for text in texts.values() for _, link, _ in LINK.findall(text) if DOWNLOADS in link}):
        copied(file.rpartition(DOWNLOADS)[2], folder)


def contents(groups: tuple[Group, ...], page: str) -> str:
    """Return the hidden tables of contents of a page: Sphinx wants each page in one."""
    parts = []
    for _, names in groups:
        paths = [posixpath.relpath(name, posixpath.dirname(page) or ".") for name in names]
        parts.append("\n".join(["```{toctree}", ":hidden:", "", *paths, "```", ""]))
    return "\n" + "\n".join(parts)


def linked(text: str, page: str, path: Path) -> str:
    """Return the text of a page with the links that it needs on the site."""
    home = path.parent.relative_to(ROOT).as_posix()

    def replaced(match: re.Match[str]) -> str:
        return match[1] + moved(match[2], home, page) + match[3]

    return FILE_NAMES.sub("[]", LINK.sub(replaced, text))


def moved(link: str, home: str, page: str) -> str:
    """Return a link of a file in the folder `home` of the repository, as it is on a page of the site.

    >>> moved("../SECURITY.md#promises", "docs", "models.md")
    'security.md#promises'
    >>> moved("docs/architecture.md", ".", "contributing.md")
    'architecture.md'
    >>> moved("../../search/trust/types.py", "docs/zh", "zh/models.md")
    '../files/search/trust/types.py'
    >>> moved("https://example.org/", "docs", "models.md"), moved("#here", "docs", "models.md")
    ('https://example.org/', '#here')
    """
    target, mark, anchor = link.partition("#")
    if not target or "://" in target:
        return link
    file = posixpath.normpath(posixpath.join(home, target))
    there = (FROM_ROOT | INSTEAD).get(file) or (
        file.removeprefix("docs/") if file.startswith("docs/") else DOWNLOADS + file
    )
    return posixpath.relpath(there, posixpath.dirname(page) or ".") + mark + anchor


def copied(file: str, folder: Path) -> None:
    """Copy a file of the repository that a page links to."""
    target = folder / DOWNLOADS / file
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / file, target)
