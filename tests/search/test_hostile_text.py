"""Whatever files, arguments, names and journals say, a terminal gets plain lines, and an error is one line.

Eight of twelve places printed control sequences as they were, and eleven errors of one line had line breaks in them.
"""

import html as entities
import json
import re
import shutil
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from rich.table import Table
from rich.text import Text

from bpmodel.names.visible import visible
from bpmodel.preprocessing import TablePreprocessor
from search import StudyError, cli
from search.loop.journal import StudyStore
from search.results import html
from search.space import spaces
from search.terminal import leaving
from search.terminal.output import Output
from search.tracking import TrackingError
from search.tracking.models import inputs
from search.tracking.naming import markdown
from search.trials.penalties import Feedback

EVIL = "x\x1b]52;c;QUJD\x07\x9b2J\r\nerror: y\x00\x7f\u202e\u2028\u200b\t\ud800é"
"""Writes the clipboard, clears the screen, begins a line of its own, reverses what follows, and is no text."""

FILE = EVIL.replace("\x00", "").replace("\ud800", "\udcff")
"""The same as far as the name of a file can be it."""

STUDY = 'name = "a"\n[data]\nsource = "t.csv"\ntarget = "y"\ntask = "regression"\n[search]\nn_trials = 1\n'
TOML = visible(EVIL.replace("\ud800", "")).replace('"', '\\"')


def is_plain(text: str) -> bool:
    return all(visible(line) == line for line in text.split("\n"))


@pytest.fixture
def there(folder):
    """A folder in which everything has a hostile name."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {EVIL.replace("\ud800", "").replace("\x00", ""): random.normal(size=30), "y": random.normal(size=30)}
    )
    frame.to_csv("t.csv", index=False)
    frame.assign(y=[f"{i} {TOML}" for i in range(30)]).to_csv(f"{FILE}.csv", index=False)
    files = {
        "a.toml": STUDY,
        f"{FILE}.toml": STUDY.replace("n_trials = 1", f'"{TOML}" = 1'),
        "table.toml": STUDY + f'["{TOML}"]\n',
        "name.toml": STUDY.replace('"a"', f'"{TOML}"', 1),
        "source.toml": STUDY.replace("t.csv", TOML),
        "target.toml": STUDY.replace('"y"', f'"{TOML}"', 1),
        "model.toml": STUDY + f'[model]\n"{TOML}" = 1\n',
        "value.toml": STUDY + f'[model]\nactivation = "{TOML}"\n',
        "space.toml": STUDY + f'[space]\nactivation = ["{TOML}", "relu"]\n',
        "cv.toml": STUDY + f'[cv]\nscoring = "{TOML}"\n',
        "group.toml": STUDY + f'[cv]\ngroup = "{TOML}"\n',
        "drop.toml": STUDY.replace("target", f'drop = ["{TOML}"]\ntarget'),
        "raw.toml": f"name = '{FILE}'",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    (folder / "studies").mkdir()
    (folder / "studies" / f"{FILE}.journal").write_text(f"{TOML}\x1b[2J\n")
    return folder


STUDIES = [
    "table",
    "name",
    "source",
    "target",
    "model",
    "value",
    "space",
    "cv",
    "group",
    "drop",
    "raw",
    FILE,
    f"{FILE}2",
]
MISTAKES = {
    **{f"tune {ascii(name)[:20]}": ["tune", f"{name}.toml"] for name in STUDIES},
    "cv": ["cv", "a.toml", "--set", f"{FILE}=1"],
    "cv, no value": ["cv", "a.toml", "--set", FILE],
    "cv, another value": ["cv", "a.toml", "--set", f"activation={FILE}"],
    "diagnose": ["diagnose", f"{FILE}.toml"],
    "init": ["init", f"{FILE}3.csv", "--target", "y"],
    "init, target": ["init", "t.csv", "--target", FILE],
    "init, many texts": ["init", f"{FILE}.csv", "--target", "y"],
    "init, source": ["init", f"{FILE}.csv", "--target", "y", "--output", f"{FILE}/{FILE}.toml"],
    "init, encoding": ["init", "t.csv", "--target", "y", "--encoding", FILE],
    "predict": ["predict", FILE, "t.csv"],
    "predict, file": ["predict", "a", "t.csv", "-o", FILE],
    "predict, version": ["predict", f"models:/{FILE}/1", "t.csv", "--version", FILE],
    "evaluate": ["evaluate", FILE, f"{FILE}.csv"],
    "export": ["export", FILE, "-o", f"{FILE}.onnx"],
    "show": ["show", f"{FILE}2"],
    "report": ["report", f"{FILE}2"],
    "report, file": ["report", FILE, "--output", f"{FILE}/{FILE}.html"],
    "delete": ["delete", f"{FILE}2", "--yes"],
    "verify": ["verify", f"{FILE}2"],
    "delete, not said": ["delete", FILE],
    "compare": ["compare", FILE, f"{FILE}2"],
    "verb": [FILE],
    "switch": ["list", f"--{FILE}"],
    "choice": ["tune", "a.toml", "--method", FILE],
    "number": ["tune", "a.toml", "--trials", FILE],
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_is_told_in_one_plain_line(there, command, arguments):
    result = command(*arguments)
    assert result.code != 0
    assert is_plain(result.out + result.err)
    told = result.err.rstrip("\n").split("\n")
    assert len([line for line in told if "error: " in line and not line.startswith((" ", "usage: "))]) == 1
    if not result.err.startswith("usage: "):
        assert len(told) == 1


@pytest.mark.parametrize(
    "arguments", [["list"], ["show", FILE], ["list", "--json"], ["show", FILE, "--json"]], ids=ascii
)
def test_what_is_there_is_listed_in_plain_lines(there, command, arguments):
    result = command(*arguments)
    assert (result.code, result.err) == (0, "")
    assert "x\\u001b]52" in result.out
    assert is_plain(result.out)


def test_a_table_of_any_names_is_profiled_in_plain_lines(there, command):
    result = command("init", "t.csv", "--target", "y")
    assert result.code == 0
    assert is_plain(result.out + result.err)
    assert "x\\u001b]52" in result.out


@pytest.mark.parametrize("kind", [StudyError, TrackingError])
def test_every_error_of_the_search_is_one_plain_line(kind):
    assert str(kind(f"a {EVIL}")) == f"a {visible(EVIL)}"
    assert isinstance(StudyError(""), ValueError)


def test_tracebacks_warnings_and_tables_for_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@host")
    try:
        try:
            raise KeyError(EVIL)
        except KeyError:
            raise RuntimeError(f"{EVIL} s3cret") from ExceptionGroup(EVIL, [ValueError(EVIL)])
    except RuntimeError as error:
        leaving.hook(RuntimeError, error, error.__traceback__)
    before = warnings.formatwarning
    with leaving.warnings_told():
        print(warnings.formatwarning(f"{EVIL} s3cret", UserWarning, "a.py", 1), file=sys.stderr, end="")
    assert warnings.formatwarning is before
    told = capsys.readouterr().err
    assert is_plain(told)
    assert "s3cret" not in told
    assert told.count("\nerror: y") == 0
    assert "Traceback (most recent call last):\n" in told
    assert "a.py:1: UserWarning: x\\u001b" in told


def test_a_terminal_gets_predictions_as_lines_and_a_file_gets_them_as_they_are(capsys):
    class Terminal:
        def __init__(self, tty):
            self.tty, self.text = tty, ""

        def isatty(self):
            return self.tty

        def write(self, text):
            self.text += text

    for tty, written in ((True, "a,\\u001b[2J\n1\n"), (False, "a,\x1b[2J\n1\n")):
        stream = Terminal(tty)
        leaving.screen(stream).write("a,\x1b[2J\n1\n")
        assert stream.text == written


def test_everything_that_can_be_printed_is_plain(capsys):
    table = Table(title=EVIL)
    table.add_column(EVIL)
    table.add_row(EVIL)
    table.add_row(Text(EVIL))
    output = Output(sys.stdout)
    output.print(EVIL, style="bold")
    output.print(Text(EVIL), table)
    output.document({"a": EVIL})
    Output(sys.stdout, quiet=True).essential(EVIL)
    Output(sys.stdout, json=True).document({EVIL: [EVIL]})
    told = capsys.readouterr().out
    assert is_plain(told)
    assert "\nerror: y" not in told
    assert told.count("]52;c;QUJD") == 9


@pytest.mark.parametrize("act", ["fit", "absent", "twice", "codes"])
def test_errors_of_the_preprocessor_are_one_plain_line(act):
    name = EVIL.replace("\ud800", "")
    table = pd.DataFrame({name: [f"word {'abcdefghij'[i % 10] * (i + 1)}" for i in range(40)]})
    acts = {
        "fit": lambda: TablePreprocessor().fit(table),
        "absent": lambda: (
            TablePreprocessor().fit(pd.DataFrame({name: [1.0, 2.0]})).transform(pd.DataFrame({"a": [1.0]}))
        ),
        "twice": lambda: TablePreprocessor().fit(pd.concat([table, table], axis=1)),
        "codes": lambda: TablePreprocessor(categorical_columns=[EVIL]).fit(table),
    }
    with pytest.raises(ValueError, match=r"x\\u001b") as error:
        acts[act]()
    assert is_plain(str(error.value))
    assert "\n" not in str(error.value)


MARKUP = "<script>alert(1)</script>![p](http://a/b.png)[l](javascript:x) `c` |&lt;"


def test_html_and_markdown_show_names_and_do_nothing_else():
    results = {
        "params": [{MARKUP: MARKUP + EVIL}],
        "mean_test_score": np.array([1.0]),
        "std_test_score": np.array([0.0]),
    }
    results |= {"rank_test_score": np.array([1]), "verdict": np.array(["ok"]), "n_epochs": np.array([7])}
    page = html.summary(results, "score", MARKUP, [MARKUP + EVIL])
    assert "<script" not in page
    assert is_plain(page)
    described = inputs.markdown([{"name": MARKUP + EVIL, "kind": "number", "example": MARKUP, "required": True}])
    for shown in (described.split("\n")[2], markdown.plain(MARKUP + EVIL)):
        assert is_plain(shown)
        assert not re.search(r"(?<!\\)[\[\]`]|[<>]|&(?!lt;|gt;|amp;)", shown)
    assert entities.unescape(re.sub(r"\\(.)", r"\1", markdown.plain(MARKUP))) == MARKUP
    assert markdown.code("a``b") == "``` a``b ```"


def test_a_reason_out_of_a_journal_is_told_in_plain_lines(folder, command, make_outcome):
    """A journal may come from a stranger."""
    space = spaces.build({"alpha": [0.1, 1.0]})
    (folder / "studies").mkdir()
    store = StudyStore(folder / "studies" / "a.journal", "a", {}, space)
    store.record(make_outcome(0, "error", params={"alpha": 0.1}, reason=f"{EVIL[:-3]}"), Feedback(0.0, 0.0, "failed"))
    store.note("about", {"data": EVIL[:-3], "target": EVIL[:-3], "path": EVIL[:-3], "file": EVIL[:-3]})
    store.close()
    for arguments in (["show", "a"], ["list"], ["show", "a", "--file"], ["show", "a", "--json"]):
        result = command(*arguments)
        assert is_plain(result.out + result.err), arguments
    assert json.loads(command("show", "a", "--json").out)
    assert shutil.rmtree(folder / "studies") is None
    assert cli.main(["list"]) == 0
