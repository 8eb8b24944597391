"""docs/service_http.md: its commands run in a shell against a real server, and its tables are those of the code."""

import json
import os
import re
import socket
import subprocess
import threading
from contextlib import contextmanager

import pytest
import uvicorn
from sklearn.datasets import load_wine

from search import cli
from search.service import tokens
from search.service.api.app import application
from search.service.desk import Desk
from search.service.limits import Limits
from search.service.place import Place
from search.service.queue import Queue
from search.tracking import default_uri, library
from tests.docs.blocks import PAGES, blocks

PAGE = "docs/service_http.md"

STUDY = """
name = "wine"
[data]
source = "sklearn:wine"
task = "classification"
[model]
max_iter = 5
[search]
n_trials = 2
n_seeds = 1
n_members = 1
"""

PROBLEM = ('"type": "urn:bpsearch:problem', '"type": "about:blank"')


def test_tables_are_those_of_the_code():
    told = Limits.__doc__.split("----------\n", 1)[1].split("Examples")[0]
    rows = re.findall(r"^    (\w+(?:, \w+)*) : \w+\n((?:        .*\n)+)", told, re.MULTILINE)
    limits = Limits()
    assert {name for names, _ in rows for name in names.split(", ")} == set(vars(limits))
    for names, meaning in rows:
        every = names.split(", ")
        values = " and ".join(_written(getattr(limits, name)) for name in every)
        named = ", ".join(f"`{name}`" for name in every)
        row = f"| {named} | {values} | {' '.join(meaning.split()).rstrip('.')} |"
        assert row in PAGES[PAGE]
    for scope, meaning in tokens.SCOPES.items():
        assert re.search(rf"^\| `{scope}` \| {re.escape(meaning)}", PAGES[PAGE], re.MULTILINE)


def _written(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


@contextmanager
def serving(queue):
    """Serve on a free port; yield the address."""
    app = application(Desk(queue, default_uri), tokens.Tokens(queue))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.mark.slow
def test_commands_run(tmp_path, monkeypatch):
    library.load()  # before any thread does: filters for warnings are not kept apart by thread
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "wine.toml").write_text(STUDY)
    (tmp_path / "prices.csv").write_text("rooms,price\n1,2\n")
    columns = load_wine().feature_names
    (tmp_path / "rows.csv").write_text(f"{','.join(columns)}\n{','.join('1' for _ in columns)}\n")
    assert cli.main(["tune", "wine.toml"]) == 0
    tokens.local(Place())
    queue = Queue(Place())
    try:
        with serving(queue) as address:
            answers = dict(_answers(address, queue))
    finally:
        queue.close()
    problems = [told for told in answers.values() if any(mark in told for mark in PROBLEM)]
    assert len(problems) == 1, problems
    (refused,) = problems
    assert json.JSONDecoder().raw_decode(refused)[0]["status"] == 404
    (predicted,) = [told for first, told in answers.items() if "predictions" in first]
    assert predicted.startswith("predicted_target\n")
    (told,) = [told for told in answers.values() if '"recorded"' in told]
    assert told.count('"recorded": true') == 2
    (followed,) = [told for told in answers.values() if "data: {" in told]
    assert '"state": "done"' in followed


def _answers(address, queue):
    """Yield the first line of each block, and what its commands print."""
    for block in blocks(PAGE):
        if block.language == "sh":
            done = shell(block.text, address)
            assert done.returncode == 0, done.stderr
            yield block.first, done.stdout
        if "/resume" in block.text:  # a service would run it now
            queue.act("wine", "start")
            queue.act("wine", "finish")


def shell(text, address):
    """Run a block in a shell that knows the address and the token, as the first block sets them."""
    first = next(block.text for block in blocks(PAGE) if block.language == "sh").splitlines()[0]
    setting = first.replace("http://127.0.0.1:8000", address)
    script = f"set -e\n{setting}\n{text.replace(first, '')}"
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, env=environment)
