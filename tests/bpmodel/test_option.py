"""Documentation and constructors that classes get from rows of a table."""

import inspect
from numbers import Real

import pytest
from sklearn.utils._param_validation import Interval

from bpmodel.option import Option, constructor, documented, with_sections

ROWS = (
    Option("size", 3, [Interval(Real, 0, None, closed="left")], "How large it is.", positional=True),
    Option("shape", "round", ["boolean"], "What it looks like.", choices={"round": "a ball"}),
)
INDENTED = """A thing.

    It has a size.

    Attributes
    ----------
    own_ : int
        Its own.

    Examples
    --------
    >>> 1
    1
    """


@pytest.mark.parametrize("docstring", [INDENTED, inspect.cleandoc(INDENTED)], ids=["Python 3.12", "Python 3.13"])
def test_sections_come_in_with_and_without_indentation(docstring):
    """Since Python 3.13 the compiler strips the indentation; the parameters were once lost there."""
    thing = documented(ROWS, "\nshared_ : float\n    Of all.\n")(type("Thing", (), {"__doc__": docstring}))
    assert thing.__doc__ == inspect.cleandoc("""
        A thing.

        It has a size.

        Parameters
        ----------
        size : a number >= 0, default=3
            How large it is.
        shape : true or false, default='round'
            What it looks like.

            - 'round': a ball

        Attributes
        ----------
        shared_ : float
            Of all.
        own_ : int
            Its own.

        Examples
        --------
        >>> 1
        1
        """)


def test_a_docstring_without_the_section_is_an_error():
    with pytest.raises(ValueError, match="needs a section 'Attributes'"):
        with_sections("A thing.", "size : int", "")


def test_a_constructor_takes_the_options_and_nothing_else():
    made = constructor("Made", ROWS)
    assert vars(made(5)) == {"size": 5, "shape": "round"}
    assert str(inspect.signature(made)) == "(size=3, *, shape='round')"
    assert made._parameter_constraints == {"size": ROWS[0].domain, "shape": ["boolean"]}
    for wrong in ({"weight": 1}, {"Size": 1}):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            made(**wrong)
    with pytest.raises(TypeError, match="too many positional arguments"):
        made(1, "round")
