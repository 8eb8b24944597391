"""Docstrings as reStructuredText: those of this project are plain text, and inherited ones refer to scikit-learn's own site."""

from __future__ import annotations

import re
from typing import Any

ROLE = re.compile(r":(?:ref|term|doc):`([^`<]+?)(?:\s*<[^>]*>)?`")
LEARNED = re.compile(r"(?<![\w`\\])([A-Za-z]\w*)_(?![\w`])")
"""A name that ends in an underscore, such as `n_iter_`, outside of code. To reStructuredText, it is a link."""


def tidied(lines: list[str]) -> list[str]:
    r"""Return the lines of a docstring without references to other sites, and with learned attributes as text.

    >>> tidied(["See :ref:`the guide <metadata_routing>` of :term:`meta-estimator`.", "of shape (n_iter_,)", ">>> net.n_iter_"])
    ['See the guide of meta-estimator.', 'of shape (n_iter\\_,)', '>>> net.n_iter_']
    """
    told, example = [], False
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        told.append(line if example else LEARNED.sub(r"\1\\_", ROLE.sub(r"\1", line)))
    return told


def tidy(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Change the lines of a docstring that Sphinx is about to read."""
    lines[:] = tidied(lines)
