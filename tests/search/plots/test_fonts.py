"""Names in Chinese are drawn with a font that has them, or with question marks: never as boxes, and without a warning."""

import io

import pytest
from matplotlib import font_manager

from search.plots import fonts, gallery
from search.plots.subject import Subject
from search.space import spaces

ONLY_STIX = "\u210a"  # script small g: Matplotlib ships a second font with it
NOWHERE = "\U000e0001"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """A test sees the fonts that it names, not those of the machine; later tests see those again."""
    for cached in (fonts.families, fonts._known):
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (fonts.families, fonts._known):
        cached.cache_clear()


def named(monkeypatch, *names):
    monkeypatch.setattr(fonts, "WIDE", names)


def test_a_font_that_is_installed_is_used(monkeypatch):
    named(monkeypatch, "No Such Font", "STIXGeneral", "DejaVu Serif")
    assert fonts.families() == ("sans-serif", "STIXGeneral")
    assert fonts.drawable(f"a {ONLY_STIX} 1{NOWHERE}\n") == f"a {ONLY_STIX} 1?\n"


def test_without_one_there_are_question_marks(monkeypatch):
    named(monkeypatch, "No Such Font")
    assert fonts.families() == ("sans-serif",)
    assert fonts.drawable(f"误差 {ONLY_STIX} ± é") == "?? ? ± é"


@pytest.mark.parametrize("installed", ["STIXGeneral", "No Such Font"])
def test_a_figure_with_chinese_names_is_drawn_without_a_warning(monkeypatch, make_outcome, installed):
    """Warnings are errors: Matplotlib's were "Glyph 35823 missing from font(s)", once for each character."""
    named(monkeypatch, installed)
    name = f"误差{ONLY_STIX}__kind"
    space = spaces.build({name: ["双曲正切", ONLY_STIX], "误差率": (0.0, 1.0)})
    outcomes = {
        n: make_outcome(n, scores=(-1.0 - n,), params={name: "双曲正切", "误差率": 0.1 * (n + 1)}) for n in range(3)
    }
    drawn = gallery.figures(Subject(outcomes, space, [], "误差"))
    for figure in drawn.values():
        figure.savefig(io.BytesIO(), dpi=30)
    expected = ONLY_STIX if installed == "STIXGeneral" else "?"
    panel = drawn["parameters"].axes[0]
    assert panel.get_xlabel() == f"??{expected}__kind"
    assert [text.get_text() for text in panel.get_xticklabels()] == ["????", expected]
    assert panel.get_xticklabels()[0].get_fontfamily() == panel.xaxis.label.get_fontfamily() == list(fonts.families())
    assert drawn["history"].axes[0].get_ylabel().startswith("??\n")


def test_every_font_of_the_table_is_listed_once():
    assert len(set(fonts.WIDE)) == len(fonts.WIDE)
    assert fonts.PLAIN not in fonts.WIDE
    assert set(fonts.families()[1:]) <= set(font_manager.get_font_names())
