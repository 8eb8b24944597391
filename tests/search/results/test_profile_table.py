"""The table of columns fits 80 characters, whatever the names are, and of many columns shows those with a warning."""

import pytest
from rich.console import Console

from search.profiling.finding import Change, Finding
from search.profiling.overview import Column
from search.results import profile_table


def lines(columns, width: int = 80) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(profile_table.table(columns, width))
    return capture.get().rstrip("\n").split("\n")


def column(name: str, *warnings: str, missing: str = "") -> Column:
    return Column(
        name, "category", missing, 12345, "Königsallee 12, Düsseldorf", "one-hot, 32 of 12345 levels", warnings
    )


NAMES = [
    "x",
    "a_very_long_name_of_a_column_as_databases_have_them_" * 3,
    "a\nb",
    "[red]bold[/red]",
    "房价" * 30,
    "",
    " ",
    "\x1b[31m",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_row_fits_the_width(name, width):
    printed = lines([column(name, "gives the target away?", missing="12345 (33 %)"), column("y")], width)
    assert max(map(len, printed)) <= width
    assert not any("\x1b" in line for line in printed)
    assert printed[0].split() == [heading for heading in profile_table.CELLS if width > 60 or heading != "example"]


def test_words_are_whole_in_80_characters():
    text = "\n".join(lines([column("neighborhood", "all different", missing="12345 (33 %)")]))
    for word in ("neighborhood", "category", "12345", "Königsallee", "one-hot,", "levels", "different"):
        assert word in text


def test_markup_in_a_name_is_text():
    assert "[red]bold[/red]" in "\n".join(lines([column("[red]bold[/red]")], 200))


@pytest.mark.parametrize(
    ("n", "listed", "rest"), [(40, 40, ""), (41, 3, "38 other columns: 38 category; 2 with missing values")]
)
def test_many_columns(n, listed, rest):
    columns = [
        column(f"x{i}", *(["constant"] if i < 3 else []), missing="1 (1 %)" if 1 < i < 5 else "") for i in range(n)
    ]
    assert len(profile_table.listed(columns)) == listed
    assert profile_table.rest(columns) == rest


def test_many_columns_with_a_warning():
    columns = [column(f"x{i}", "constant") for i in range(50)]
    assert len(profile_table.listed(columns)) == 40
    assert profile_table.rest(columns) == "10 other columns: 10 category; 10 others with a warning"


def test_sentences_say_what_is_written():
    changes = (Change("data", "time", "t"), Change("data", "lags", 24, active=False))
    assert profile_table.sentences([Finding("time", ("t",), "A.", "b", changes), Finding("zeros", (), "C.", "d")]) == [
        "A. [time; comment: lags]",
        "C.",
    ]
