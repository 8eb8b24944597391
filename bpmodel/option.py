"""One hyperparameter as a table row; such rows generate the constructor, the checks and the documentation of a class."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

from sklearn.utils._param_validation import Interval, Options, StrOptions

Class = TypeVar("Class", bound=type)


class Option(NamedTuple):
    """One hyperparameter.

    `domain` is a list of scikit-learn parameter constraints; `elements` is the same for the elements of a list. `meaning` is one
    or two sentences; `choices` maps the allowed names to their meanings.
    """

    name: str
    default: Any
    domain: list
    meaning: str
    positional: bool = False
    words: str | None = None
    choices: Mapping[str, str] = {}
    elements: list | None = None

    @property
    def allowed(self) -> str:
        """The domain as text."""
        return self.words or " or ".join(_words(constraint) for constraint in self.domain)


def _words(constraint: Any) -> str:
    if isinstance(constraint, StrOptions):
        return "one of " + ", ".join(sorted(constraint.options))
    if isinstance(constraint, Interval):
        kind = "a whole number" if constraint.type is Integral else "a number"
        low = (">= " if constraint.closed in ("left", "both") else "> ") + f"{constraint.left:g}"
        high = ("<= " if constraint.closed in ("right", "both") else "< ") + f"{constraint.right or 0:g}"
        return f"{kind} {low}" if constraint.right is None else f"{kind} {low} and {high}"
    if isinstance(constraint, Options):
        return ", ".join(map(str, constraint.options))
    return {
        None: "None",
        dict: "a dict from classes to weights",
        "array-like": "a list of them, one for each hidden layer",
        "boolean": "true or false",
        "verbose": "true, false or a number",
        "random_state": "a whole number >= 0, a RandomState or None",
    }[constraint]


class Names(StrOptions):
    """A constraint: the names of a table's rows at the time of the check; `hint` is for messages."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        super().__init__(table.keys())
        self._hint = getattr(table, "hint", "").rstrip("; ")

    def __str__(self) -> str:
        return f"{super().__str__()} ({self._hint})" if self._hint else super().__str__()


def one_of(names: Iterable[str]) -> list:
    """Return the domain of these names, or of the names of a table's rows."""
    return [Names(names) if isinstance(names, Mapping) else StrOptions(set(names))]


def real(low: float | None, high: float | None, closed: str) -> list:
    return [Interval(Real, low, high, closed=closed)]


AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")


def constructor(name: str, options: tuple[Option, ...]) -> type:
    """Return a base class whose constructor takes the options of a table and stores them.

    Examples
    --------
    >>> Base = constructor("Base", (Option("depth", 2, [AT_LEAST_ONE], "How deep."),))
    >>> Base().depth, Base(depth=3).depth
    (2, 3)
    >>> Base(width=3)
    Traceback (most recent call last):
    TypeError: got an unexpected keyword argument 'width'
    """
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(o.name, kinds[o.positional], default=o.default) for o in options]
    signature = inspect.Signature(parameters)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - becomes a method
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        for option, value in given.arguments.items():
            setattr(self, option, value)

    self_parameter = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    __init__.__signature__ = inspect.Signature([self_parameter, *parameters])  # type: ignore[attr-defined]
    __init__.__qualname__ = f"{name}.__init__"
    constraints = {o.name: o.domain for o in options}
    return type(name, (), {"__init__": __init__, "_parameter_constraints": constraints})


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
