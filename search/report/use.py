"""How the model is used, and how the study is repeated."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

from search.report.markup import Markup, facts, joined, section, short, tag
from search.report.sources import Source
from search.results.judgment import not_better
from search.tracking import RegisteredModel
from search.tracking.models.registry import CHAMPION

STARS = "***"


def use(source: Source) -> Markup:
    """Return the section on the model: three lines to paste, and the command."""
    model = source.result.model
    if model is None:
        return section("model", "How to use the model", *_no_model(source))
    run = "Run this where the study ran: in the folder that has mlruns."
    own = [] if model.alias in ("", CHAMPION) else ["--version", str(model.version)]  # the champion is another one
    parts = [
        tag("p", f"Registered as {model.name}, version {model.version}."),
        *_standing(model),
        tag("h3", "In Python"),
        tag("p", run, class_="soft"),
        code(bpsearch_lines(model)),
        tag("h3", "On the command line"),
        code(shlex.join(["bpsearch", "predict", model.name, "new.csv", "-o", "predictions.csv", *own])),
        tag("h3", "With MLflow alone"),
        code(mlflow_lines(model, source.store)),
        tag("p", "MLflow runs code from the store; bpsearch loads only what it trusts. rows is a table with the study's columns.",
            class_="soft"),
    ]  # fmt: skip
    return section("model", "How to use the model", *parts)


def _standing(model: RegisteredModel) -> list[Markup]:
    """Say whether the version became the champion or the challenger, and why; nothing if that is not known."""
    if model.alias == CHAMPION:
        told = "It became the champion: the version that is used where none is named."
        return [tag("p", told, *([f" Why: {model.reason}."] if model.reason else []))]
    if not model.alias:
        return []
    told = f"It became the {model.alias}, and the champion stays what is used where no version is named."
    why = [tag("p", told, *([" Why: ", tag("b", f"{model.reason}.")] if model.reason else []))]
    promote = shlex.join(["bpsearch", "promote", model.name, "--version", str(model.version)])
    return [*why, tag("p", "This makes it the champion, whatever its score:"), code(promote)]


def _no_model(source: Source) -> list[Markup]:
    if not source.file:
        told = "The fitted model is best_estimator_ of the search. With tracking, it is also registered in MLflow."
        return [tag("p", told)]
    if source.result.best is None:
        return [tag("p", "There is no model: no trial finished healthy.")]
    if not source.complete:
        return [tag("p", "There is no model yet: the study is not finished.")]
    if source.result.unregistered:
        return [tag("p", f"The model was not registered, because {source.result.unregistered}.")]
    why = not_better(source.result)
    return [tag("p", "No model is registered." + (f" Note that {why}." if why else ""))]


def code(content: str) -> Markup:
    return tag("pre", tag("code", Markup("\n".join(tag("span", line) for line in content.split("\n")))), tabindex="0")


def bpsearch_lines(model: RegisteredModel) -> str:
    """Return the lines of Python that load a model and predict.

    >>> print(bpsearch_lines(RegisteredModel("prices", 3)))
    import bpsearch
    model = bpsearch.load_model('prices', 3)
    predictions = model.predict(rows)
    """
    load = f"model = bpsearch.load_model({model.name!r}, {model.version})"
    return f"import bpsearch\n{load}\npredictions = model.predict(rows)"


def mlflow_lines(model: RegisteredModel, store: str) -> str:
    """Return the lines that do the same with MLflow; `store` is its tracking URI.

    >>> print(mlflow_lines(RegisteredModel("prices", 3), "sqlite:///mlruns/mlflow.db"))
    import mlflow
    mlflow.set_tracking_uri('sqlite:///mlruns/mlflow.db')
    model = mlflow.pyfunc.load_model('models:/prices/3')
    predictions = model.predict(rows)
    """
    where = [f"mlflow.set_tracking_uri({store!r})"] if store and STARS not in store else []
    load = f"model = mlflow.pyfunc.load_model('models:/{model.name}/{model.version}')"
    return "\n".join(["import mlflow", *where, load, "predictions = model.predict(rows)"])


def again(source: Source) -> Markup:
    """Return the section on how to repeat the study, and the notes on its data."""
    about, result = source.about, source.result
    versions = about.get("versions") or {}
    marks = [(name, short(value)) for name, value in source.marks.items()]
    ended = datetime.fromtimestamp(source.when, UTC).strftime("%Y-%m-%d %H:%M UTC") if source.when else ""
    listed = facts(
        [
            ("study", result.name),
            *marks,
            ("versions", ", ".join(f"{name} {short(version)}" for name, version in versions.items())),
            ("last trial", ended),
        ]
    )
    asked = "study file" if source.file else "search"
    told = f"The same {asked}, data, versions and number of jobs give the same trials."
    notes = [str(note) for note in about.get("notes") or ()]
    parts = [tag("p", told), listed]
    if notes:
        parts += [tag("h3", "Notes on the data"), tag("ul", *(tag("li", short(note)) for note in notes[:20]))]
    return section("again", "How to repeat it", joined(parts))
