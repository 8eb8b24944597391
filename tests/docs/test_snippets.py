"""No snippet of the documents is left untested: each fenced block is run, read by its program, or listed here with a reason."""

import argparse
import json
import re
import shlex
import subprocess
import tomllib
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import pytest

from search import cli
from search.commands import verbs
from search.service.mcp import serving
from search.study import external, study_file
from tests.docs import blocks
from tests.docs.blocks import ALL, PAGES, ROOT, Block, commands
from tests.docs.test_snippets_in_a_project import ELSEWHERE, ON_HOSTS, PIPELINE, RUN, SHOWN, WRITTEN

LANGUAGES = {
    "matlab": "MATLAB is needed to run it",
    "js": "Node.js is needed; tests/search/export/ runs the same graph with the same runtime in Python",
    "nginx": "nginx is needed; tests/search/service/web/test_web_server.py sends what it passes on",
    "csharp": ".NET is needed; tests/search/export/ runs the same graph with the same runtime in Python",
}
"""Languages of other programs."""

OUTPUTS = {
    "diabetes: bayesian search, 5 folds, root mean squared error": "make tune; the figures depend on the machine",
    "column     kind       missing distinct example      becomes                          warning": "init, a table made up",
    "data: read with separator semicolon, decimal comma, encoding cp1252": "init, tests/search/tables/",
    'found:   "Id" counts the rows from 1 to 500 [drop]': "init, tests/search/profiling/",
    "trial 37/50  new best 53.7  stopped 8  diverged 4  53 trials/min": "tune in a pipe, tests/search/terminal/",
    "model:  models:/prices/2  (version 2, the mean of 5 networks)": "tune, tests/search/tracking/models/",
    "tags.study = 'prices' and tags.verdict = 'diverged'": "for MLflow's search field; tests/search/tracking/contents/",
    "tags.study = '二手房' and tags.verdict = 'diverged'": "the same",
    "Diverged: 9 of 30 trials (9 exploding_step)": "tune, tests/search/results/",
    "Diverged: 2 of 60 trials (2 exploding_step)": "tune, as in the README",
    "learning_rate_init: high = 0.5 would exclude 9 of 9 diverged and 0 of 21 other trials.": "tune, tests/search/results/",
    "diverged: the loss exploded (33.7, 67.5 times the dummy predictor's)": "diagnose",
    "diverged: the loss exploded (2.12e+03, 4.24e+03 times the dummy predictor's)": "diagnose",
    "编号,小区,面积,楼层,挂牌日期,有电梯,总价": "a table; tests/docs/test_snippets_in_a_project.py makes one like it",
    "data:    read with encoding gb18030": "init of that table",
    "error: 房价.toml: [model] solver = 'trainlm'": "tests/docs/test_chinese.py",
}
"""Output of programs, by the beginning of its first line, and what prints it."""

NOT_RUN = {
    ". .venv/bin/activate": "the tests run in an environment",
    "bpsearch ui": "serves until it is ended; tests/search/tracking/ui/ does it",
    "export MLFLOW_TRACKING_URI=http://127.0.0.1:5000 MLFLOW_TRACKING_TOKEN=…": "a server; tests/search/tracking/ui/",
    "bpsearch list": "with that server",
    "bpsearch token make Ann": "tests/search/service/test_service_tokens.py",
    "bpsearch serve --host 0.0.0.0 --names search.example.org --certificate chain.pem --key key.pem": "serves until it is ended; "
    "tests/search/service/web/ does it",
    "bpsearch serve --port 8000 --names search.example.org --behind-proxy": "the same",
    "bpsearch certificates keys": "tests/search/service/cluster/test_other_machines.py runs the commands of this page",
    "dask scheduler --host 10.0.0.1 --port 8786 --protocol tls --tls-ca-file keys/ca.pem --tls-cert keys/certificate.pem "
    "--tls-key keys/key.pem --no-dashboard --dashboard-address 127.0.0.1:0": "the same",
    "bpsearch serve --scheduler tls://10.0.0.1:8786 --tls keys": "the same",
    "bpsearch worker tls://10.0.0.1:8786 --tls keys": "the same",
    "export POSTGRES_PASSWORD=…": "tests/search/service/test_deployment.py starts the programs of the compose file",
    "docker compose --file deploy/compose.yaml up --build --scale worker=2": "the same",
    "optuna-dashboard prices.optuna.journal": "serves until it is ended; tests/search/export/ reads the journal with Optuna",
    "export MLFLOW_TRACKING_URI=sqlite:///mlruns/mlflow.db": "for MLflow's own commands",
}
"""Commands that no test of the documents runs, and why; those of `bpsearch` are parsed."""


IN_A_SHELL = {"docs/service_http.md": "tests/docs/test_service_http.py"}
"""Pages whose commands run in a shell, and the test that does it."""


def is_known(block: Block) -> bool:
    """Whether something here or in pytest deals with a block."""
    known: dict[str, Callable[[], bool]] = {
        "python": lambda: block.is_doctest or block in WRITTEN,
        "toml": lambda: block in STUDIES + EXTERNAL,
        "sh": lambda: block in SHELL,
        "json": lambda: block in CONFIGURATIONS,
        "": lambda: block.first.startswith(tuple(OUTPUTS)),
    }
    return block.language in LANGUAGES or known.get(block.language, lambda: False)()


EXTERNAL = [block for block in ALL if block.language == "toml" and "\ndirection = " in block.text]
STUDIES = [block for block in ALL if block.language == "toml" and block not in EXTERNAL]
SHELL = [block for block in ALL if block.language == "sh"]
CONFIGURATIONS = [block for block in ALL if block.language == "json"]
COMMANDS = [(block, words) for block in SHELL for words in commands(block)]


def test_every_block_is_known():
    assert [f"{block.place} {block.language}: {block.first}" for block in ALL if not is_known(block)] == []


def test_lists_name_what_is_there():
    """A reason stays no longer than what it is for."""
    outputs = [block.first for block in ALL if not block.language]
    assert [beginning for beginning in OUTPUTS if not any(first.startswith(beginning) for first in outputs)] == []
    assert LANGUAGES.keys() == {block.language for block in ALL} - {"python", "toml", "sh", "json", ""}
    assert NOT_RUN.keys() <= {shlex.join(words).replace("'", "") for _, words in COMMANDS}


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_overlooked(page):
    """Fences in lists or of tildes would be."""
    marks = re.findall(r"^[ >]*(?:```|~~~)", PAGES[page], re.MULTILINE)
    assert len(marks) == 2 * len(blocks.blocks(page))
    assert set(marks) <= {"```"}


def completed(text: str) -> str:
    """Return a part of a study file with what it leaves out: a name and data."""
    there = tomllib.loads(text)
    data = there.get("data")
    before = "" if "name" in there else 'name = "part"\n'
    if data is None:
        return f'{before}data = {{ source = "sklearn:diabetes", task = "regression" }}\n{text}'
    return before + text + ("" if "task" in data else '\ntarget = "price"\ntask = "regression"\n')


@pytest.mark.parametrize("block", STUDIES, ids=lambda block: block.place)
def test_study_is_read(tmp_path, block):
    path = tmp_path / "x.toml"
    if "direction" in tomllib.loads(block.text):  # of a study that clients train
        assert external.parse(block.text).file.name
        return
    path.write_text(completed(block.text), encoding="utf-8")
    assert study_file.load(path).name


@pytest.mark.parametrize("block", EXTERNAL, ids=lambda block: block.place)
def test_study_that_clients_train_is_read(block):
    assert external.parse(block.text).space.axes


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=lambda block: block.place)
def test_configuration_of_a_client_starts_the_server(block):
    """It is JSON, and either a command that exists or the address that `bpsearch mcp` serves."""
    (row,) = json.loads(block.text)["mcpServers"].values()
    if "command" in row:
        assert row["command"] == "bpsearch"
        assert cli._parser().parse_args(row["args"]).verb == "mcp"
    else:
        assert row["url"] == f"http://{serving.ADDRESS}:8766{serving.PATH}"
        assert row["headers"]["Authorization"].startswith("Bearer ")


def told(words: list[str]) -> str:
    return shlex.join(words).replace("'", "")


@pytest.mark.parametrize(("block", "words"), COMMANDS, ids=[f"{b.place}-{told(w)}" for b, w in COMMANDS])
def test_command_is_dealt_with(block, words):
    """Those of `bpsearch` are parsed here, and run in a project if they can be; `make` is asked what it would do."""
    if words[0] == "bpsearch":
        assert cli._parser().parse_args(words[1:]).verb == words[1]
        assert block in RUN or told(words) in NOT_RUN
    elif words[0] == "make":
        dry = ["make", "--no-print-directory", "--dry-run", "--assume-old=.venv/.ready", *words[1:]]
        assert subprocess.run(dry, cwd=ROOT, capture_output=True, text=True).returncode == 0
    elif words[0] == "mlflow":
        parsed_by_mlflow(words[1:])
    elif block.page in IN_A_SHELL:
        assert block.text in PAGES[block.page]
    elif words[0] == "curl":
        sent(words)
    else:
        assert told(words) in NOT_RUN


def parsed_by_mlflow(words: list[str]) -> None:
    """Let MLflow's command line read its arguments; tests/search/tracking/test_http.py serves a model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow, while it is imported
        from mlflow.cli import cli as group

    command, arguments = group, list(words)
    while hasattr(command, "get_command"):
        command = command.get_command(None, arguments.pop(0))
        assert command is not None, words
    command.make_context("mlflow", arguments, resilient_parsing=False)


def sent(words: list[str]) -> None:
    """A request is one to the server of the line before, and its JSON is JSON."""
    assert words[1] == "http://127.0.0.1:5001/invocations"
    if "-d" in words:
        assert json.loads(words[words.index("-d") + 1]).keys() <= {"dataframe_records", "inputs"}


def flags(verb: str) -> set[str]:
    """Return the options of a verb."""
    (group,) = (action for action in cli._parser()._actions if isinstance(action, argparse._SubParsersAction))
    return {flag for action in group.choices[verb]._actions for flag in action.option_strings}


INLINE = sorted({
    (page, found)
    for page, text in PAGES.items()
    for found in re.findall(r"`bpsearch ([a-z][^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    if page != "CHANGELOG.md"  # tells of commands as they were
})  # fmt: skip


@pytest.mark.parametrize(("page", "command"), INLINE, ids=[f"{page}-{command}" for page, command in INLINE])
def test_command_in_a_sentence_exists(page, command):
    """It is parsed, or a verb if it is named alone."""
    verb, *arguments = shlex.split(command.removesuffix(" … &"))
    assert verb in verbs()
    if arguments and arguments[0].startswith("--"):  # it names an option, and leaves out what else is needed
        assert set(re.findall(r"--[\w-]+", command)) <= flags(verb)
    elif arguments:
        assert cli._parser().parse_args([verb, *arguments]).verb == verb


@pytest.mark.parametrize(
    "module", sorted({m for text in PAGES.values() for m in re.findall(r"`python -m ([\w.]+)", text)})
)
def test_module_in_a_sentence_exists(module):
    assert find_spec(module) is not None


def test_programs_that_other_tests_run_are_there():
    """A test that is named reads the page."""
    assert len(SHOWN) > 8
    for page, test in IN_A_SHELL.items():
        assert page in (ROOT / test).read_text(encoding="utf-8")
    assert ELSEWHERE.keys() <= {block.page for block in WRITTEN}
    assert PIPELINE in {block.first for block in WRITTEN if block.page == "README.md"}
    for page, test in (ELSEWHERE | ON_HOSTS).items():
        assert page.rpartition("/")[2] in (ROOT / re.split("[,:]", test)[0]).read_text(encoding="utf-8")
