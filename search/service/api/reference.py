"""The page at /docs: the description of the interface (OpenAPI) as a page to read, without scripts and without other servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.report.markup import Markup, joined, section, table, tag
from search.report.style import STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

METHODS = ("get", "post", "patch", "delete")


def page(described: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    described : mapping
        The OpenAPI document.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{described['info']['title']}: HTTP interface"),
        Markup(f"<style>{STYLE}</style>"),
    )
    routes = [
        (method, path, row)
        for path, rows in described["paths"].items()
        for method, row in rows.items()
        if method in METHODS
    ]
    listed = [
        (tag("a", f"{m.upper()} {p}", href=f"#{_anchor(m, p)}"), row["summary"], row["x-scope"]) for m, p, row in routes
    ]
    top = tag(
        "header",
        tag("p", "HTTP interface", class_="kind"),
        tag("h1", f"{described['info']['title']} {described['info']['version']}"),
        tag("p", described["info"]["description"], class_="lead"),
        tag("p", "For programs: ", tag("a", "openapi.json", href="/openapi.json")),
    )
    every = section("routes", "Routes", table(("route", "what it does", "scope"), listed))
    body = tag("body", joined([top, tag("main", every, joined(_route(*each) for each in routes))]))
    return f"<!DOCTYPE html>\n{tag('html', joined([head, body]), lang='en')}\n"


def _anchor(method: str, path: str) -> str:
    """Return the name of a route's section.

    >>> _anchor("get", "/v1/studies/{name}")
    'get-v1-studies-name'
    """
    return "-".join([method, *path.replace("{", "").replace("}", "").strip("/").split("/")]).rstrip("-")


def _route(method: str, path: str, row: Mapping[str, Any]) -> Markup:
    told = [tag("p", row.get("description", row["summary"])), tag("p", f"Scope: {row['x-scope']}", class_="soft")]
    if parameters := [
        (each["name"], each["in"], _values(each["schema"]), each.get("description", ""))
        for each in row.get("parameters", ())
    ]:
        told.append(table(("parameter", "in", "values", "meaning"), parameters, caption="Parameters"))
    for kind, content in row.get("requestBody", {}).get("content", {}).items():
        told.append(_body(kind, content.get("schema", {})))
    return section(_anchor(method, path), f"{method.upper()} {path}", joined(told))


def _body(kind: str, schema: Mapping[str, Any]) -> Markup:
    rows = [(key, _values(each), each.get("description", "")) for key, each in schema.get("properties", {}).items()]
    if not rows:
        return tag("p", "Body: ", tag("code", kind))
    return table(("key", "values", "meaning"), rows, caption=f"Body, {kind}")


def _values(schema: Mapping[str, Any]) -> str:
    """Return which values a schema allows.

    >>> _values({"type": "integer", "minimum": 0, "default": 0}), _values({"anyOf": [{"type": "string"}, {"type": "null"}]})
    ('integer, from 0, default 0', 'string')
    """
    kinds = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    told = [_kind(each) for each in kinds]
    default = schema.get("default")
    return " or ".join(told) + (f", default {default}" if default is not None else "")


BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    return ", ".join(
        [schema.get("type", "any"), *(f"{word} {schema[key]:g}" for key, word in BOUNDS.items() if key in schema)]
    )
