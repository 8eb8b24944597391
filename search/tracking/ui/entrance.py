"""The page between the printed address and MLflow's pages: a fresh browser shows the study, and no assistant beside it.

MLflow opens its assistant the first time it is seen in a browser, over a quarter of a window and most of a phone. It notes in the
browser that it has; this page notes it before. Somebody who wants the assistant opens it with its button.
"""

from __future__ import annotations

import base64
import hashlib
import json

from search.tracking.ui.gate import PRIVATE, Application, Receive, Scope, Send

PATH = "/bpsearch"

NOTED = {"mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true"}
"""What is noted in the browser. It is not of MLflow's public interface: where the name is another one, the assistant opens."""


def page(home: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the page that leads to MLflow's pages, which are at `home`, and its headers."""
    script = SCRIPT.replace("HOME", home)
    content = PAGE.format(script=script, home=home).encode()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(content)),
        (b"content-security-policy", f"default-src 'none'; script-src 'sha256-{digest}'".encode()),
        *PRIVATE,
    ]
    return content, headers


SCRIPT = f"""
try {{
  for (const [name, value] of Object.entries({json.dumps(NOTED)})) localStorage.setItem(name, value);
}} catch {{}} // a browser may forbid it
location.replace("HOME" + location.hash);
"""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>bpsearch ui</title><script>{script}</script></head>
<body><noscript><a href="{home}">MLflow</a> needs JavaScript.</noscript></body></html>
"""


def with_entrance(application: Application) -> Application:
    """Return an application that answers `PATH` with the page, and passes everything else on."""
    content, headers = page("/")

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
            await application(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

    return answer
