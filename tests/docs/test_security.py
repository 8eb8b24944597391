"""The promises of SECURITY.md are held by tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", TEXT)))
PROMISES = re.findall(r"^\| (?!promise)([^|]+) \| ([^|]*) \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("named", NAMED)
def test_the_test_of_a_promise_is_there(named):
    file, _, name = named.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {name or 'test_'}", text, re.MULTILINE)


def test_each_promise_names_its_test():
    assert len(PROMISES) > 15
    assert [promise for promise, tests in PROMISES if "`tests/" not in tests and "holds" not in promise] == []


def test_who_is_promised_something():
    sections = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert len(sections) == 8
    assert TEXT.count("Not promised") == 7
    assert all(re.search(word, TEXT) for word in ("privately", "--no-token", "--trust", "load_model", "Name a version"))


def test_no_document_loads_a_champion_with_mlflow():
    """Whoever can write to the store says which version that is, and MLflow runs its code."""
    for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "README.zh-CN.md"]:
        told = path.read_text(encoding="utf-8")
        assert not re.search(r"mlflow\.\w+\.load_model\(\S*@champion|mlflow models \w+ -m \S*@champion", told), (
            path.name
        )
    for name in ("README.md", "README.zh-CN.md", "docs/studies.md"):
        told = (ROOT / name).read_text(encoding="utf-8")
        assert "bpsearch.load_model" in told
        assert "mlflow.pyfunc.load_model" not in told or re.search(r"SECURITY\.md|MLflow runs code", told)
