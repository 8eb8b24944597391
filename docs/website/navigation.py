"""The pages of the site, in reading order, in English and in Chinese."""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """A heading of the navigation, and the pages below it: names without `.md`, in `docs/`."""

    title: str
    pages: tuple[str, ...]


REFERENCE = "api/index"
"""The page that leads to the reference; `docs/website/reference.py` writes it."""

ENGLISH = (
    Group("Start", ("start", "from_scikit_learn", "from_matlab")),
    Group(
        "Use",
        (
            "studies",
            "choose_options",
            "search_cv",
            "models",
            "export",
            "tracking",
            "service",
            "scale",
            "ask_and_tell",
            "assistants",
        ),
    ),
    Group("Understand", ("read_a_diagnosis", "divergence", "exploding_gradients", "plots")),
    Group("Look up", ("networks", "service_http", REFERENCE)),
    Group("The project", ("benchmarks", "architecture", "changelog", "contributing", "security")),
)
CHINESE = (
    Group("入门", ("zh/start", "zh/from_scikit_learn", "zh/from_matlab")),
    Group("使用", ("zh/init", "zh/studies", "zh/choose_options", "zh/tracking")),
    Group("理解", ("zh/diagnosis",)),
)
HOMES = {"en": "index", "zh": "zh/index"}

OTHER_NAMES = {"zh/diagnosis": "read_a_diagnosis", "zh/init": "studies"}
"""English pages with a name of their own; all others have the name of the Chinese page."""

IN_BOTH = {zh: OTHER_NAMES.get(zh, zh.removeprefix("zh/")) for group in CHINESE for zh in group.pages} | {
    "zh/index": "index"
}


def language(page: str) -> str:
    """Return the language of a page, `"en"` or `"zh"`.

    >>> language("zh/start"), language("start")
    ('zh', 'en')
    """
    return "zh" if page.startswith("zh/") else "en"


def counterpart(page: str) -> str:
    """Return the same page in the other language, or that language's first page if there is none.

    >>> counterpart("zh/diagnosis"), counterpart("start"), counterpart("benchmarks")
    ('read_a_diagnosis', 'zh/start', 'zh/index')
    """
    if language(page) == "zh":
        return IN_BOTH.get(page, HOMES["en"])
    found = {en: zh for zh, en in IN_BOTH.items()}  # of several, the last
    return found.get(page, HOMES["zh"])


def groups(page: str) -> tuple[Group, ...]:
    """Return the navigation that a page shows."""
    return CHINESE if language(page) == "zh" else ENGLISH
