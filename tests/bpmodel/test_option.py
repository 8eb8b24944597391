"""Documentation and constructors that classes get from rows of a table."""

import inspect

import pytest
from sklearn import config_context

from bpmodel.domains import TRUTH, InvalidParameterError, real
from bpmodel.option import Option, constructor, documented, with_sections

ROWS = (
    Option("size", 3, real(0, None, "left"), "How large it is.", positional=True),
    Option("shape", "round", TRUTH, "What it looks like.", choices={"round": "a ball"}),
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
    for wrong in ({"weight": 1}, {"Size": 1}):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            made(**wrong)
    with pytest.raises(TypeError, match="too many positional arguments"):
        made(1, "round")


def test_options_are_checked_one_by_one():
    made = constructor("Made", (ROWS[0], ROWS[1]._replace(default=True)))
    made(0)._check_options()
    with pytest.raises(
        InvalidParameterError, match=r"The 'size' parameter of Made must be a number >= 0. Got -1 instead."
    ):
        made(-1)._check_options()
    with pytest.raises(TypeError, match=r"The 'shape' parameter of Made must be true or false. Got 1 instead."):
        made(shape=1)._check_options()
    with config_context(skip_parameter_validation=True):
        made(-1)._check_options()
