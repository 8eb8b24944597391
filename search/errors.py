"""The exception for user mistakes, and the form of all messages."""


class OneLineError(Exception):
    """An exception whose message is one line that shows all of its characters, whatever it quotes of files and data."""

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(message))


class StudyError(OneLineError, ValueError):
    """A user mistake in a study file, its data or the environment, in one line: where, key, value, what is allowed."""


class InUseError(StudyError):
    """Another process runs the study."""


class AwayError(StudyError):
    """A server or a cluster does not answer: it may do so later."""


class NoStudyError(StudyError):
    """There is no study of this name."""


def reason_of(error: BaseException) -> str:
    """Return what kind of error it is, and the first line of its message.

    >>> print(reason_of(KeyError("a")), reason_of(ValueError("one" + chr(10) + "two")), reason_of(ValueError()))
    KeyError: 'a' ValueError: one ValueError
    """
    first = next(iter(str(error).strip().splitlines()), "")
    return one_line(f"{type(error).__name__}: {first}" if first else type(error).__name__)


def one_line(text: object) -> str:
    """Return a text in one line that shows all of its characters, as `bpmodel.names.visible` does.

    >>> print(one_line("column 'a" + chr(10) + "b'"))
    column 'a\\nb'
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    from bpmodel.names.visible import visible  # late: the package takes two seconds to import

    return visible(text)
