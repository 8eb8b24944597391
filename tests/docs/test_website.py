"""The site: all pages and public names have their place, links lead somewhere. None of this needs the generator."""

import importlib
import re
from collections import defaultdict
from types import SimpleNamespace

import pytest

from docs.website import anchors, built, navigation, reference, sources, theme
from tests.docs.blocks import PAGES, ROOT


@pytest.mark.parametrize("page", PAGES)
def test_links_and_anchors_lead_somewhere(page):
    assert anchors.faults(ROOT / page) == []


def test_a_link_to_a_heading_that_is_gone_bug(tmp_path):
    """docs/studies.md led to "serving-the-model", which had become "using the model"."""
    (tmp_path / "b.md").write_text("# There\n\n```sh\n# not a heading\n```\n", encoding="utf-8")
    text = "# Here\n[1](#here) [2](b.md#there) [3](#gone) [4](b.md#not-a-heading) [5](c.md) ![6](c.png) `[7](d.md)`\n"
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    assert anchors.faults(tmp_path / "a.md") == ["#gone", "b.md#not-a-heading", "c.md", "c.png"]


def test_each_page_is_in_the_navigation_once():
    listed = [page for group in (*navigation.ENGLISH, *navigation.CHINESE) for page in group.pages]
    pages = [page.removesuffix(".md") for page in sources.pages()]
    assert sorted([*listed, *navigation.HOMES.values()]) == sorted([*pages, navigation.REFERENCE])


def test_pages_in_both_languages_name_each_other():
    pages = {page.removesuffix(".md") for page in sources.pages()}
    chinese = {page for page in pages if page.startswith("zh/")}
    assert navigation.IN_BOTH.keys() == chinese
    assert set(navigation.IN_BOTH.values()) <= pages
    for page in chinese - {"zh/init"}:
        assert navigation.counterpart(navigation.counterpart(page)) == page


@pytest.mark.parametrize("package", ["bpsearch", "bpmodel", "search"])
def test_public_name_has_a_page(package):
    names = reference.listed(importlib.import_module(package))
    assert len(names) > 2
    assert {f"api/{name}" for name in names} <= reference.pages().keys()


def test_groups_of_the_reference_are_the_public_names():
    grouped = [name for names in reference.groups().values() for name in names]
    assert sorted(grouped) == sorted(reference.public())


def test_public_names_have_docstrings_to_read():
    for name, package in reference.public().items():
        assert reference.summary(reference.thing(name, package)), name


def test_names_of_figures_are_a_group_when_there_are_some(monkeypatch):
    figures = importlib.import_module("search.plots")
    monkeypatch.setattr(figures, "__all__", ["history"], raising=False)
    monkeypatch.setattr(figures, "history", lambda: None, raising=False)
    assert reference.groups()[reference.PLOTS] == ["history"]
    assert "search.plots.history" in reference.pages()["api/history"]


@pytest.fixture(scope="module")
def arranged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "sources"
    sources.write(folder)
    return folder


def test_what_the_generator_reads_has_no_broken_links(arranged):
    pages = sorted(arranged.glob("**/*.md"))
    assert len(pages) > 50
    for page in pages:
        links = [link for _, link, _ in sources.LINK.findall(anchors.FENCED.sub("", page.read_text(encoding="utf-8")))]
        for link in links:
            assert "://" in link or (page.parent / link.partition("#")[0]).exists(), (page.name, link)


def test_files_that_a_page_links_to_are_downloads(arranged):
    assert "](files/search/trust/types.py)" in (arranged / "models.md").read_text(encoding="utf-8")
    assert (arranged / "files/search/trust/types.py").read_bytes() == (ROOT / "search/trust/types.py").read_bytes()


def test_a_link_that_says_a_file_says_a_title_on_the_site(arranged):
    assert "[](studies.md)" in (arranged / "index.md").read_text(encoding="utf-8")
    assert "[studies.md](studies.md)" in PAGES["docs/index.md"]


def page_of(tmp_path, body: str) -> list[str]:
    (tmp_path / "other.html").write_text("<h2 id='there'></h2>", encoding="utf-8")
    (tmp_path / "index.html").write_text(body, encoding="utf-8")
    return built.faults(tmp_path)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<a href='other.html#there'>", ""),
        ("<a href='https://example.org/'>", ""),
        ("<img src='data:image/png;base64,AA'>", ""),
        ("<a href='gone.html'>", "gone.html leads nowhere"),
        ("<a href='other.html#gone'>", "other.html#gone: the page has no such place"),
        ("<a href='#gone'>", "#gone: the page has no such place"),
        ("<img src='gone.png'>", "gone.png leads nowhere"),
        (
            "<script src='https://cdn.example.org/x.js'></script>",
            "https://cdn.example.org/x.js is loaded from elsewhere",
        ),
        ("<link href='//fonts.example.org/x.css'>", "//fonts.example.org/x.css is loaded from elsewhere"),
    ],
)
def test_faults_of_the_built_site(tmp_path, body, fault):
    assert page_of(tmp_path, body) == ([f"index.html: {fault}"] if fault else [])


def test_the_browser_splits_a_search_as_the_index_does():
    """Both take pairs of Chinese characters: the patterns name the same characters."""
    (pattern,) = re.findall(r"const chinese = /(.*)/g", theme.IN_THE_BROWSER)
    assert pattern == theme.CHINESE.pattern
    assert theme.words("梯度爆炸") == ["梯度", "度爆", "爆炸"]


@pytest.mark.parametrize(("page", "home"), [("zh/studies", "zh/index"), ("studies", "index"), ("search", "index")])
def test_logo_leads_to_the_start_of_the_language_bug(page, home):
    """On Chinese pages, it led to the English one."""
    titles = defaultdict(lambda: SimpleNamespace(astext=lambda: "title"))
    context = {"root_doc": "index"}
    theme.describe(SimpleNamespace(env=SimpleNamespace(titles=titles)), page, "page.html", context, None)
    assert context["root_doc"] == home
    assert context.get("theme_search_bar_text", "") == ("搜索文档" if page.startswith("zh/") else "")


@pytest.mark.parametrize(("name", "sound"), [("EnglishStemmer", True), ("English and ChineseStemmer", False)])
def test_search_found_nothing_bug(tmp_path, name, sound):
    """The name of the search's language is part of a name in JavaScript; with blanks, the script was none."""
    (tmp_path / "_static").mkdir()
    script = f"var EnglishStemmer=function(){{}};\nwindow.Stemmer = {name};\n"
    (tmp_path / "_static/language_data.js").write_text(script, encoding="utf-8")
    assert (built.faults(tmp_path) == []) is sound
