"""Requests that create, each of which can be asked again.

A server may do what a request asks although its reply is lost. MLflow's HTTP layer sends such a request again by itself, POST
included, and the store then has two: two parent runs, two versions of one model. So each thing is known by what only it has
(a name, the tags of its study, of its trial, of its result), is looked for before it is made and afterwards, and of several
one stays. Which one follows from what they are, never from the order of a reply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from search.tracking.contents.datasets import CONTEXT, DataEntry
from search.tracking.contents.runs import PARENT, RESULT, Header, trial_of
from search.tracking.naming import filters

T = TypeVar("T")

PENDING, READY, FAILED = "PENDING", "READY", "FAILED"
MODEL_NAME = "model"

FIRST_PARAMS = 100
"""Parameters that one request takes."""


def one(look: Callable[[], Sequence[T]], make: Callable[[], T | None], drop: Callable[[T], None]) -> T:
    """Return the only thing of its kind, made if there is none.

    Parameters
    ----------
    look : callable
        Returns what there is, the one to keep first.
    make : callable
        Asks for a new one, and may return it for stores that do not show at once what they have made.
    drop : callable
        Removes one of several.

    Examples
    --------
    >>> store = []
    >>> def sent_twice():
    ...     store.extend(["b", "a"])
    >>> one(lambda: sorted(store), sent_twice, store.remove), store
    ('a', ['a'])
    """
    found = list(look())
    if not found:
        made: list[T | None] = [None]

        def ask() -> None:
            made[0] = make()

        sure(ask, lambda: bool(look()))
        found = list(look()) or [each for each in made if each is not None]
    if not found:
        raise RuntimeError("the store does not show what it was asked to create")
    for other in found[1:]:
        drop(other)
    return found[0]


def sure(act: Callable[[], object], seen: Callable[[], bool]) -> None:
    """Do something; an error is none if what it was to do is there, because an earlier try has done it.

    If the store did not answer at all, nothing is asked: MLflow has waited for minutes already.
    """
    from mlflow.exceptions import MlflowException

    try:
        act()
    except MlflowException as error:
        unanswered = type(error) is MlflowException and error.error_code == "INTERNAL_ERROR"
        if unanswered or not seen():
            raise


def pages(ask: Callable[[str | None], Any]) -> list[Any]:
    """Return all that a paged search finds; `ask` takes the token of a page.

    >>> class Page(list):
    ...     token = None
    >>> pages(lambda token: Page([1, 2]))
    [1, 2]
    """
    page = ask(None)
    found = list(page)
    while page.token:
        page = ask(page.token)
        found += page
    return found


# --------------------------------------------------------------------------------------------------------------------- runs


def experiment(client: Any, name: str, root: str | None, tags: Mapping[str, str]) -> Any:
    """Return the experiment of a name, restored if it was deleted; `root` is where its artifacts go."""

    def look() -> list[Any]:
        found = client.get_experiment_by_name(name)
        return [] if found is None else [found]

    def make() -> Any:
        return client.get_experiment(client.create_experiment(name, artifact_location=root, tags=dict(tags)))

    found = one(look, make, lambda _: None)
    if found.lifecycle_stage == "deleted":
        sure(
            lambda: client.restore_experiment(found.experiment_id),
            lambda: client.get_experiment(found.experiment_id).lifecycle_stage == "active",
        )
    return found


def runs(client: Any, experiment_id: str, tags: Mapping[str, str], *conditions: str) -> list[Any]:
    """Return the runs of an experiment that have these tags and meet these conditions, the oldest first."""
    query = filters.both(*(filters.equal(filters.tag(name), text) for name, text in tags.items()), *conditions)
    found = pages(lambda token: client.search_runs([experiment_id], query, page_token=token))
    own = [run for run in found if all(run.data.tags.get(name) == text for name, text in tags.items())]
    return sorted(own, key=lambda run: (run.info.start_time or 0, run.info.run_id))


def parents(client: Any, experiment_id: str, study_id: str) -> list[Any]:
    """Return the parent runs of a study. The first is the one to keep: it has the most trials, or is the oldest."""
    found = runs(client, experiment_id, {"bpsearch.study": study_id, "bpsearch.kind": "study"})
    if len(found) > 1:
        trials = {run.info.run_id: len(children(client, experiment_id, run.info.run_id)) for run in found}
        found.sort(key=lambda run: -trials[run.info.run_id])  # stable: the oldest of equals stays first
    return found


def parent(client: Any, experiment_id: str, header: Header) -> Any:
    """Return the parent run of a study; others that the store has made of the same request go to the trash."""
    return one(
        lambda: parents(client, experiment_id, header.study_id),
        lambda: client.create_run(experiment_id, run_name=header.experiment, tags=header.tags),
        lambda run: _drop_parent(client, experiment_id, run.info.run_id),
    )


def data_input(client: Any, run: Any, data: DataEntry) -> None:
    """Make a table an input of a run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    def is_input() -> bool:
        inputs = client.get_run(run.info.run_id).inputs
        known = [each.dataset for each in (inputs.dataset_inputs if inputs else [])]
        return (data.name, data.digest) in [(each.name, each.digest) for each in known]

    if not is_input():
        entry = Dataset(data.name, data.digest, data.source_type, data.source, data.schema, data.profile)
        tags = [InputTag(name, text) for name, text in CONTEXT.items()]
        sure(lambda: client.log_inputs(run.info.run_id, [DatasetInput(entry, tags)]), is_input)


def children(client: Any, experiment_id: str, parent: str, *conditions: str) -> list[Any]:
    """Return the child runs of a parent that meet these conditions, the oldest first."""
    return runs(client, experiment_id, {PARENT: parent}, *conditions)


def whole_children(client: Any, experiment_id: str, parent: str) -> dict[int, Any]:
    """Return the child runs by trial; those of which another run is the whole one go to the trash."""
    found: dict[int, Any] = {}
    for run in children(client, experiment_id, parent):
        trial = trial_of(run.data.tags.get("trial"))
        if trial is None:
            continue
        if run.info.status == "RUNNING" or trial in found:  # cut off by a kill, or by a request that was sent again
            drop_run(client, run.info.run_id)
        else:
            found[trial] = run
    return found


def drop_unfinished(client: Any, experiment_id: str, parent: str) -> None:
    """Move to the trash what nobody will end, at the end of a study: what a server has made late, or a kill has left."""
    own = client.get_run(parent)
    for other in parents(client, experiment_id, own.data.tags["bpsearch.study"]):
        if other.info.run_id != parent:
            _drop_parent(client, experiment_id, other.info.run_id)
    for run in children(client, experiment_id, parent, "attributes.status = 'RUNNING'"):
        if trial_of(run.data.tags.get("trial")) is not None:
            drop_run(client, run.info.run_id)
    for model in logged_models(client, own):
        if str(model.status) == PENDING:
            drop_model(client, model)


def drop_run(client: Any, run_id: str) -> None:
    """End a run and move it to the trash."""

    def gone() -> bool:
        return client.get_run(run_id).info.lifecycle_stage == "deleted"

    if client.get_run(run_id).info.status == "RUNNING":
        client.set_terminated(run_id, "KILLED")
    sure(lambda: client.delete_run(run_id), gone)


def _drop_parent(client: Any, experiment_id: str, run_id: str) -> None:
    for run in children(client, experiment_id, run_id):
        drop_run(client, run.info.run_id)
    drop_run(client, run_id)


# -------------------------------------------------------------------------------------------------------------------- models


def logged_models(client: Any, run: Any, result: str | None = None) -> list[Any]:
    """Return the logged models of a parent run, of one result or of all, the oldest first."""
    of_run = filters.equal("source_run_id", run.info.run_id)
    found = pages(
        lambda token: client.search_logged_models(
            [run.info.experiment_id], filter_string=of_run or None, page_token=token
        )
    )
    own = [
        each
        for each in found
        if (each.name, each.source_run_id) == (MODEL_NAME, run.info.run_id)
        and (result is None or each.tags.get(RESULT) == result)
    ]
    return sorted(own, key=lambda each: (each.creation_timestamp, each.model_id))


def logged_model(client: Any, run: Any, result: str, params: Mapping[str, str]) -> Any:
    """Return the logged model of a result, with its hyperparameters, into which files can be written."""
    first = dict(list(params.items())[:FIRST_PARAMS])
    made = one(
        lambda: logged_models(client, run, result),
        lambda: client.create_logged_model(
            run.info.experiment_id,
            name=MODEL_NAME,
            source_run_id=run.info.run_id,
            params=first,
            tags={RESULT: result},
        ),
        lambda each: drop_model(client, each),
    )
    left = [name for name in params if name not in first]
    for i in range(0, len(left), FIRST_PARAMS):
        part = {name: params[name] for name in left[i : i + FIRST_PARAMS]}
        sure(
            lambda part=part: client.log_model_params(made.model_id, part),  # type: ignore[misc]
            lambda part=part: part.keys() <= client.get_logged_model(made.model_id).params.keys(),  # type: ignore[misc]
        )
    return made


def drop_model(client: Any, model: Any) -> None:
    """Close a logged model and move it to the trash."""
    if str(model.status) == PENDING:
        client.finalize_logged_model(model.model_id, FAILED)
    client.delete_logged_model(model.model_id)


def output(client: Any, run: Any, model_id: str) -> None:
    """Make a logged model an output of a run."""
    from mlflow.entities import LoggedModelOutput

    def is_output() -> bool:
        outputs = client.get_run(run.info.run_id).outputs
        return model_id in [each.model_id for each in (outputs.model_outputs if outputs else [])]

    if not is_output():
        sure(lambda: client.log_outputs(run.info.run_id, [LoggedModelOutput(model_id, step=0)]), is_output)


def registered_model(client: Any, name: str, description: str) -> None:
    """Make a registered model, unless there is one; whatever is said of that one stays."""
    from mlflow.exceptions import MlflowException

    def look() -> list[Any]:
        try:
            return [client.get_registered_model(name)]
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return []

    one(look, lambda: client.create_registered_model(name, description=description), lambda _: None)


def versions(client: Any, name: str, run_id: str, result: str) -> list[Any]:
    """Return the versions of a registered model that were made of one result of a parent run, the first one first."""
    of_run = filters.equal("run_id", run_id)
    found = pages(lambda token: client.search_model_versions(of_run, page_token=token))
    own = [each for each in found if (each.name, each.run_id, each.tags.get(RESULT)) == (name, run_id, result)]
    return sorted(own, key=lambda each: int(each.version))


def version(
    client: Any, name: str, run: Any, model: Any, result: str, description: str, tags: Mapping[str, str]
) -> Any:
    """Return the version of a registered model, which is there, that is made of a logged model."""

    def drop(other: Any) -> None:
        sure(
            lambda: client.delete_model_version(name, other.version),
            lambda: other.version not in [v.version for v in versions(client, name, run.info.run_id, result)],
        )

    return one(
        lambda: [v for v in versions(client, name, run.info.run_id, result) if v.source == model.artifact_location],
        lambda: client.create_model_version(
            name,
            model.artifact_location,
            run_id=run.info.run_id,
            model_id=model.model_id,
            description=description,
            tags={RESULT: result, **tags},
        ),
        drop,
    )
