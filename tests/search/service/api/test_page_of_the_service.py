"""The page at / and the description at /docs: their own files only, and scripts in files only."""

import re
from html.parser import HTMLParser

import pytest

from search.service.api import pages
from search.service.states import STATES, TRANSITIONS, USER
from search.trials.outcomes import VERDICTS


class Links(HTMLParser):
    """What a page loads or leads to, and what its policy would forbid."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links, self.inside, self._tag = set(), [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given, self._tag = dict(attributes), tag
        self.links |= {given[name] for name in ("src", "href", "action") if name in given}
        self.inside += [name for name in given if name.startswith("on") or name == "style"]

    def handle_data(self, data):
        if self._tag == "script" and data.strip():
            self.inside.append("script")


def test_the_page_loads_its_own_files_only(api):
    answer = api.get("/", "eve")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == pages.POLICY
    assert "unsafe" not in pages.POLICY
    found = Links(answer.text)
    assert found.inside == []
    assert found.links == {"data:,", "/bpsearch/page.css", "/bpsearch/page.js", "/docs"}
    for path, kind in (("/bpsearch/page.css", "text/css"), ("/bpsearch/page.js", "text/javascript")):
        file = api.get(path, "eve")
        assert file.headers["content-type"] == f"{kind}; charset=utf-8"
        assert "http" not in file.text.replace("HTTP", "")


def test_the_script_makes_no_html_of_texts(api):
    script = api.get("/bpsearch/page.js").text
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)
    assert set(re.findall(r'"(/v1/\w+)"', script)) == {"/v1/me", "/v1/events", "/v1/studies"}


def test_the_script_knows_verdicts_and_actions(api):
    script = api.get("/bpsearch/page.js").text
    verdicts = re.search(r"const VERDICTS = \{(.*?)\}", script)[1]
    assert set(re.findall(r"(\w+):", verdicts)) == set(VERDICTS)
    actions = re.search(r"const ACTIONS = \{(.*?)\}", script)[1]
    assert set(re.findall(r"(\w+):", actions)) == {row.action for row in TRANSITIONS if row.by == USER} - {"submit"}


@pytest.mark.parametrize("state", STATES)
def test_no_part_of_a_card_is_called_as_a_state(state):
    """The text of the progress was written over the state `done`."""
    page = (pages.FOLDER / "index.html").read_text(encoding="utf-8")
    assert state not in {name for names in re.findall(r'class="([^"]+)"', page) for name in names.split()}


def test_the_description_is_a_page_without_scripts(api):
    answer = api.get("/docs", "eve")
    found = Links(answer.text)
    assert "script" not in answer.headers["content-security-policy"]
    assert found.inside == []
    assert all(link.startswith("#") or link == "/openapi.json" for link in found.links)
    described = api.get("/openapi.json", "eve").json()
    routes = [(method, path) for path, rows in described["paths"].items() for method in rows]
    assert len(routes) == 25
    for method, path in routes:
        assert f"{method.upper()} {path}" in answer.text
    assert {f'id="{link[1:]}"' in answer.text for link in found.links if link.startswith("#")} == {True}


def test_the_description_has_scopes_and_problems(api):
    described = api.get("/openapi.json").json()
    assert described["openapi"].startswith("3.")
    for path, rows in described["paths"].items():
        for row in rows.values():
            assert row["x-scope"] in ("none", "read", "submit", "admin")
            assert bool(row["security"]) == (path != "/v1/health")
            assert "application/problem+json" in row["responses"]["4XX"]["content"]
            assert "422" not in row["responses"]
            assert row["summary"]
            assert row["description"]
