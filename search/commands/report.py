"""`bpsearch report`: write the report on a study as a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import add_switch

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "write the report on a study as one HTML page, to keep or send"
HAS_RESULT = True
INTERRUPTED = "interrupted: no file was written"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of a study, or its study file")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file to write (default: studies/NAME.report.html)"
    )
    add_switch(parser, "force", "replace a file that is no report", default=False)
    add_switch(parser, "open", "open the page in the browser", default=False)


def run(options: argparse.Namespace, console: Output) -> int:
    from search.catalog import entries
    from search.report import files
    from search.report.page import page
    from search.results import documents
    from search.study import reports
    from search.tracking.models import registry

    name, _ = registry.named(options.name)
    found = reports.of_journal(entries.stored(name))
    path, key = options.output or files.default(name), "--output" if options.output else ""
    files.check(path, key, force=options.force)
    files.write(path, page(found), key, force=options.force)
    console.essential(str(path))
    console.print(f"report: {path}")
    if options.open and not _opened(path):
        console.print(f"note:   no browser was found; open {path.absolute().as_uri()}")
    console.document({"report": str(path), "study": documents.study(found.result)})
    return 0


def _opened(path: Path) -> bool:
    """Open a page in the browser; return whether there is one."""
    import webbrowser

    return webbrowser.open(path.absolute().as_uri())
