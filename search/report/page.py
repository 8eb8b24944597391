"""The report on a study as one HTML page: what was asked, the answer, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from search.plots import gallery
from search.plots.subject import subject
from search.report.answer import answer
from search.report.asked import details, summary
from search.report.gain import gain
from search.report.markup import Markup, joined, section, tag
from search.report.pictures import PLACES, pictures
from search.report.sources import Source
from search.report.style import STYLE
from search.report.trouble import trouble
from search.report.use import again, use
from search.results.next_steps import next_steps

GENERATOR = "bpsearch report"
"""What a page says of its origin: a file that says so may be replaced by a newer report."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""The page loads nothing and runs nothing, whatever a name in it may hold."""


def page(source: Source, figures: Mapping[str, Figure] | None = None) -> str:
    """Return the page. The same study gives the same page: it has no times but those of the study.

    Parameters
    ----------
    source : Source
    figures : dict of str to Figure, optional
        Figures of the study, if they are drawn already.
    """
    result = source.result
    if figures is None:
        figures = drawn(source)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("meta", name="generator", content=GENERATOR),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{result.name}: report on a study"),
        Markup(f"<style>{STYLE}</style>"),
    )
    sections = [
        answer(source),
        gain(source),
        section("mattered", "What mattered", _not_ranked(source, figures), pictures(figures, "mattered")),
        trouble(source, figures),
        _next(source),
        section("search", "The search itself", pictures(figures, "search")),
        use(source),
        again(source),
    ]
    top = tag(
        "header",
        tag("p", "Report on a study", class_="kind"),
        tag("h1", result.name),
        summary(source),
        details(source),
        _contents(sections),
    )
    bottom = tag(
        "footer",
        tag("p", "Made by bpsearch from the journal of the study. This page needs no other file and no network."),
    )
    body = tag("body", joined([top, tag("main", joined(sections)), bottom]))
    return f"<!DOCTYPE html>\n{tag('html', joined([head, body]), lang='en')}\n"


def drawn(source: Source) -> Mapping[str, Figure]:
    """Draw the figures of a study; none if it has no trials yet."""
    result = source.result
    if not result.outcomes:
        return {}
    return gallery.figures(result)


SHORT = {
    "answer": "Answer",
    "gain": "Runner-up",
    "mattered": "What mattered",
    "diverged": "Divergence",
    "next": "Next",
    "search": "Search",
    "model": "Use it",
    "again": "Repeat it",
}
"""The sections in the list of contents."""


def _contents(sections: list[Markup]) -> Markup:
    there = "".join(sections)
    links = [tag("a", words, href=f"#{name}") for name, words in SHORT.items() if f'id="{name}">' in there]
    return tag("nav", joined(links), aria_label="Contents")


def _not_ranked(source: Source, figures: Mapping[str, Figure]) -> Markup:
    """Say why there is no figure of the importance of hyperparameters, where others of them are drawn."""
    if "importance" in figures or not any(PLACES[name].section == "mattered" for name in figures if name in PLACES):
        return Markup()
    doubt = subject(source.result).importances.doubt
    return tag("p", f"The hyperparameters cannot be ranked by importance: {doubt}.") if doubt else Markup()


def _next(source: Source) -> Markup:
    steps = next_steps(source.result)
    items = [tag("li", step.seen, " ", tag("b", step.do)) for step in steps]
    told = tag("ol", *items) if items else tag("p", "Nothing stands out: the search covered its space.")
    return section("next", "What to try next", told) if source.result.outcomes else Markup()
