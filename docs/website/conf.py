"""How Sphinx makes the site; `python -m docs.website` calls it. Warnings are errors there."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # Sphinx reads this file by its path

import bpsearch
from docs.website import theme

project = "bpsearch"
author = "the bpsearch developers"
copyright = author
version = release = bpsearch.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx.ext.mathjax"]
suppress_warnings = ["config.cache"]
myst_heading_anchors = 6
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the docstrings say what things are
autodoc_member_order = "groupwise"
add_module_names = False
toc_object_entries_show_parents = "hide"
highlight_language = "none"
pygments_style = "tango"

html_theme = "pydata_sphinx_theme"
html_title = "bpsearch"
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_sidebars = {"**": ["pages.html"]}
html_show_sourcelink = False
html_copy_source = False
html_search_language = "en-zh"
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["language.html", "theme-switcher"],
    "header_links_before_dropdown": 9,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "back_to_top_button": False,
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}


def setup(app) -> None:
    """Connect what the site has beyond the theme: two languages."""
    theme.connect(app)
