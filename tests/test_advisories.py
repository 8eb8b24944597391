"""No package that is installed, and none that is allowed, has an advisory that is known (.ci/advisories.toml)."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
KNOWN = tomllib.loads((ROOT / ".ci" / "advisories.toml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


INSTALLED = {plain(each.metadata["Name"]): each.version for each in distributions()}
DECLARED = [
    Requirement(text)
    for texts in (
        PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    )
    for text in texts
]


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_installed_has_no_known_advisory(name):
    assert set(KNOWN[name]) == {"least", "advisory"}
    if name in INSTALLED:
        assert Version(INSTALLED[name]) >= Version(KNOWN[name]["least"]), KNOWN[name]["advisory"]


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_what_is_allowed_has_no_known_advisory(requirement):
    bounds = [Version(each.version) for each in requirement.specifier if each.operator == ">="]
    assert bounds
    if plain(requirement.name) in KNOWN:
        known = KNOWN[plain(requirement.name)]
        assert min(bounds) >= Version(known["least"]), known["advisory"]


def test_a_package_with_an_advisory_would_be_found():
    assert Version("14.0.0") < Version(KNOWN["pyarrow"]["least"]) <= Version(INSTALLED["pyarrow"])
