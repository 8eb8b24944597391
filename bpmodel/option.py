"""One hyperparameter as a table row; such rows generate the constructor, the checks and the documentation of a class."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeVar

from sklearn import get_config

from bpmodel.domains import Domain, check
from bpmodel.names import hints

Class = TypeVar("Class", bound=type)


class Option(NamedTuple):
    """One hyperparameter.

    `meaning` is one or two sentences; `choices` maps the allowed names to their meanings. `structure` is set for what a fitted
    network is made of and cannot change: ``structure(value, estimator)`` returns the value in a form that can be compared.
    """

    name: str
    default: Any
    domain: Domain
    meaning: str
    positional: bool = False
    choices: Mapping[str, str] = {}
    structure: Callable[[Any, Any], Any] | None = None

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return str(self.domain)


def check_options(owner: Any, options: Iterable[Option]) -> None:
    """Check an estimator's hyperparameters, unless scikit-learn's configuration says ``skip_parameter_validation``.

    Raises
    ------
    InvalidParameterError
        If one is outside its domain. It is a ValueError and a TypeError.
    """
    if not get_config()["skip_parameter_validation"]:
        for option in options:
            check(type(owner).__name__, option.name, getattr(owner, option.name), option.domain)


def constructor(name: str, options: tuple[Option, ...]) -> type:
    """Return a base class whose constructor takes the options of a table and stores them.

    Its method `_check_options` checks them; `set_params` says what an unknown name may have meant.

    Examples
    --------
    >>> from bpmodel.domains import AT_LEAST_ONE
    >>> Base = constructor("Base", (Option("depth", 2, AT_LEAST_ONE, "How deep."),))
    >>> Base().depth, Base(depth=3).depth
    (2, 3)
    >>> Base(width=3)
    Traceback (most recent call last):
    TypeError: Base.__init__() got an unexpected keyword argument 'width'
    >>> Base(dept=3)
    Traceback (most recent call last):
    TypeError: Base.__init__() got an unexpected keyword argument 'dept' (did you mean depth?)
    """
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(o.name, kinds[o.positional], default=o.default) for o in options]
    __init__ = initializer(parameters)
    __init__.__qualname__ = f"{name}.__init__"
    members = {"__init__": __init__, "_options": options, "_check_options": lambda self: check_options(self, options)}
    return type(name, (SaysWhatWasMeant,), members)


class SaysWhatWasMeant:
    """Parameters of an estimator that are set by name: unknown names are told what they may have meant."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters, as in scikit-learn.

        Raises
        ------
        ValueError
            If there is no such parameter; the message names the one that may be meant.
        """
        known = inspect.signature(type(self).__init__).parameters.keys() - {"self"}
        for name in params:
            own = name.partition("__")[0]
            if own not in known and (meant := hints.of_key(own, sorted(known))):
                valid = ", ".join(sorted(known))
                raise ValueError(
                    f"Invalid parameter {own!r} for estimator {type(self).__name__}{meant}. Valid parameters are: {valid}."
                )
        return super().set_params(**params)  # type: ignore[misc]


def initializer(parameters: Sequence[inspect.Parameter]) -> Callable[..., None]:
    """Return an `__init__` with these parameters that stores each argument under its name, as scikit-learn wants it.

    It says what an unknown name may have meant.
    """
    signature = inspect.Signature(parameters)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - becomes a method
        for name in kwargs.keys() - signature.parameters.keys():
            meant = hints.of_key(name, list(signature.parameters))
            raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}{meant}")
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)

    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    __init__.__signature__ = inspect.Signature([itself, *parameters])  # type: ignore[attr-defined]
    return __init__


def documented(options: Iterable[Option], attributes: str = "") -> Callable[[Class], Class]:
    """Return a class decorator that documents the options, and the attributes that several classes share."""
    parameters = _describe(options)

    def decorate(cls: Class) -> Class:
        cls.__doc__ = with_sections(cls.__doc__ or "", parameters, attributes)
        return cls

    return decorate


def with_sections(docstring: str, parameters: str, attributes: str) -> str:
    """Return the docstring with a new section "Parameters", and with attributes added at the top of its section "Attributes".

    `inspect.cleandoc` comes first, because the compiler strips the indentation of docstrings only since Python 3.13.
    """
    head = f"Parameters\n----------\n{parameters.strip()}\n\n"
    title = "Attributes\n----------\n"
    text = inspect.cleandoc(docstring)
    if title not in text:
        raise ValueError(f"the docstring needs a section 'Attributes'; it is {docstring!r}")
    return text.replace(title, head + title + attributes.lstrip(), 1)


def _describe(options: Iterable[Option]) -> str:
    lines = []
    for o in options:
        lines.append(f"{o.name} : {o.allowed}, default={o.default!r}")
        lines += textwrap.wrap(o.meaning, 108, initial_indent="    ", subsequent_indent="    ")
        if o.choices:
            lines.append("")
        for name, meaning in o.choices.items():
            lines += textwrap.wrap(f"- {name!r}: {meaning}", 108, initial_indent="    ", subsequent_indent="      ")
    return "\n".join(lines)
