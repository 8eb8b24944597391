"""What the theme is told of each page: its language, the navigation, and the words of the theme in that language."""

from __future__ import annotations

import re
from typing import Any

from docs.website.docstrings import tidy
from docs.website.navigation import HOMES, counterpart, groups, language

TAGS = {"en": "en", "zh": "zh-CN"}
CHINESE_WORDS = {
    "On this page": "本页目录",
    "Search": "搜索",
    "previous": "上一页",
    "next": "下一页",
    "previous page": "上一页",
    "next page": "下一页",
    "Color mode": "配色",
    "Light": "浅色",
    "Dark": "深色",
    "System Settings": "跟随系统",
    "Skip to main content": "跳到正文",
    "Section Navigation": "目录",
    "Site navigation": "目录",
    "Link to this heading": "本节的链接",
    "Breadcrumb": "位置",
    "Home": "首页",
}
"""The theme's words on Chinese pages. Its own translation is for whole sites; here, each page has its language."""

CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def connect(app: Any) -> None:
    """Connect to a Sphinx application."""
    app.connect("html-page-context", describe)
    app.connect("autodoc-process-docstring", tidy, priority=900)  # after numpydoc
    app.add_search_language(search_language())


def describe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Add to the context of a page what the templates of this folder show."""
    context["page_language"] = TAGS[language(page)]
    context["root_doc"] = HOMES[language(page)]  # where the logo and the house of the breadcrumbs lead
    context["other_language"] = counterpart(page)
    context["navigation"] = [(g.title, [(name, title(app, name)) for name in g.pages]) for g in groups(page)]
    if language(page) == "zh":
        context["_"] = context["gettext"] = lambda text: CHINESE_WORDS.get(text, text)
        context["language"] = TAGS["zh"]
        context["theme_search_bar_text"] = "搜索文档"


def title(app: Any, page: str) -> str:
    """Return the title of a page as text."""
    return app.env.titles[page].astext()


def words(text: str) -> list[str]:
    """Return the words to be found in a text: those between blanks and marks, and each pair of neighbours in Chinese.

    >>> words("用 trainlm 训练网络")
    ['trainlm', '用', '训练', '练网', '网络']
    """
    runs = CHINESE.findall(text)
    pairs = [run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))]
    return re.findall(r"\w+", CHINESE.sub(" ", text)) + pairs


IN_THE_BROWSER = r"""
function splitQuery(query) {
  const chinese = /[\u4e00-\u9fff]+/g;
  const found = query.replace(chinese, " ").match(/[\p{L}\p{N}_]+/gu) || [];
  for (const run of query.match(chinese) || [])
    for (let i = 0; i < Math.max(1, run.length - 1); i++) found.push(run.slice(i, i + 2));
  return found;
}
"""
"""`words`, for what is typed into the search."""


def search_language() -> type:
    """Return the language of the search: English, and Chinese by pairs of characters. It needs no dictionary."""
    from sphinx.search.en import SearchEnglish

    class EnglishAndChinese(SearchEnglish):
        lang = "en-zh"  # its name stays "English": that of the stemmer's object in the browser begins with it
        js_splitter_code = IN_THE_BROWSER

        def split(self, input: str) -> list[str]:
            return words(input)

    return EnglishAndChinese
