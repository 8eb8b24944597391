"""Names and values in figures are drawn as they are, and the settings of a folder do not decide how."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

from search.holdout import pictures
from search.plots import canvas, gallery
from search.plots.fonts import drawable
from search.plots.subject import Subject
from search.space import spaces

ROOT = Path(__file__).parents[3]
HOSTILE = [
    "$x^$",
    "$\\frac{",
    "a$b",
    "\\$",
    "\\$a$",
    "\x1b[31m",
    "\ud800",
    "😀",
    "\u202eabc",
    "%",
    "_",
    "&<b>",
    "{",
    "a\nb",
    "\x00",
]


class Sample(SimpleNamespace):
    """Rows of two predictions."""

    truth = predicted = np.arange(2.0)

    def __len__(self) -> int:
        return 2


@pytest.mark.parametrize("ending", canvas.PICTURES)
def test_any_choice_and_any_name_is_drawn_bug(tmp_path, make_outcome, ending):
    """A choice with $ in a label ended all plots of a study."""
    space = spaces.build({f"p{HOSTILE[0]}": HOSTILE, "alpha": [0.1, 1.0]})
    outcomes = {i: make_outcome(i, params={f"p{HOSTILE[0]}": text, "alpha": 0.1}) for i, text in enumerate(HOSTILE)}
    drawn = (
        gallery.figures(Subject(outcomes, space, (), "neg_$x^$")) if ending == ".png" else {}
    )  # those of a study are such
    for name, figure in drawn.items():
        canvas.save(figure, tmp_path / f"{name}{ending}")
    n = len(HOSTILE)
    found = SimpleNamespace(sample=Sample(classes=HOSTILE, confusion=np.eye(n, dtype=int)), correlation=1.0)
    canvas.save(pictures.confusion(found, HOSTILE[0]), tmp_path / f"confusion{ending}")
    for text in ("$x^$", "\x1b\ud800😀", "a\nb\\$"):
        canvas.save(pictures.scatter(found, text), tmp_path / f"scatter{ending}")
    assert len(list(tmp_path.iterdir())) == 2 + len(drawn)
    assert len(drawn) == (4 if ending == ".png" else 0)


@pytest.mark.parametrize("text", ["$x$", "a\\$b$", "\\\\$", "no formula", "$$"])
def test_a_formula_is_drawn_as_its_text(text):
    shown, formula = Text()._preprocess_math(drawable(text))
    assert (shown, formula) == (text, False)


def test_settings_of_the_user_stay_and_do_not_count(tmp_path, make_outcome):
    """`text.usetex` ended the plots where there is no LaTeX."""
    outcomes = {i: make_outcome(i, params={"alpha": 0.1}) for i in range(2)}
    settings = {"text.usetex": True, "axes.facecolor": "red", "lines.linewidth": 99.0}
    space = spaces.build({"alpha": [0.1, 1.0]})
    plain = gallery.figures(Subject(outcomes, space, (), "r2"))["history"]
    plain.savefig(tmp_path / "plain.png")
    with matplotlib.rc_context(settings):
        figure = gallery.figures(Subject(outcomes, space, (), "r2"))["history"]
        figure.savefig(tmp_path / "own.png")
        assert {name: matplotlib.rcParams[name] for name in settings} == settings
    assert (tmp_path / "own.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


@pytest.mark.slow
def test_a_file_of_settings_in_the_folder_is_not_read(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"text.usetex: True\nbackend: module://evil\naxes.titlesize: [\n\xff\xfe")
    (tmp_path / "evil.py").write_text("raise SystemExit('evil')")
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from search import cli; code = cli.main(['list']); "
        "import matplotlib; print(matplotlib.rcParams['text.usetex'], code)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (ran.stdout.splitlines()[-1:], ran.stderr) == (["False 0"], "")
