"""Build the site in `site/`: `python -m docs.website`. Any warning of Sphinx and any broken link is an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from docs.website import built, sources

HERE = Path(__file__).parent
SOURCES = sources.ROOT / "build/site"
SITE = sources.ROOT / "site"


def main() -> int:
    """Run from the command line; return the exit code."""
    sources.write(SOURCES)
    build = ["--fail-on-warning", "--keep-going", "--quiet", "--fresh-env", "--doctree-dir", "build/doctrees"]
    done = subprocess.run([sys.executable, "-m", "sphinx", *build, "-c", HERE, SOURCES, SITE], cwd=sources.ROOT)
    if done.returncode:
        return done.returncode
    faults = built.faults(SITE)
    for fault in faults:
        print(f"error: {fault}")
    print(f"{len(list(SITE.glob('**/*.html')))} pages: {SITE.relative_to(sources.ROOT)}/index.html")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
