"""Tables of options: rows have codes, can be added, and are seen wherever a table is looked at."""

from typing import NamedTuple

import pytest

from bpmodel.compiler.tables import Column, Selection, Table, View


class Fruit(NamedTuple):
    name: str
    meaning: str
    sweet: bool = True


@pytest.fixture
def fruits(monkeypatch):
    monkeypatch.setattr(Table, "revision", Table.revision)
    return Table("fruit", (Fruit("apple", "red"), Fruit("lemon", "yellow", False)), register="register_fruit")


def test_a_row_is_found_by_its_name_and_by_its_code(fruits):
    assert list(fruits) == ["apple", "lemon"]
    assert fruits["lemon"].meaning == "yellow"
    assert [fruits.code(name) for name in fruits] == [0, 1]


def test_an_added_row_is_the_last_and_makes_a_new_revision(fruits):
    before = Table.revision
    fruits.add(Fruit("pear", "green"))
    assert (fruits.code("pear"), Table.revision) == (2, before + 1)
    assert fruits.added == [fruits["pear"]]


def test_an_unknown_name_has_no_code(fruits):
    with pytest.raises(
        LookupError, match=r"no fruit is called 'fig'.* call bpmodel.register_fruit first.*apple, lemon"
    ):
        fruits.code("fig")
    with pytest.raises(LookupError, match=r"no thing is called 'fig' in this process; known are apple$"):
        Table("thing", [Fruit("apple", "red")]).code("fig")


@pytest.mark.parametrize("name", ["apple", "kiwi", "", "a b", None])
def test_a_name_that_is_taken_or_is_none_is_refused(fruits, name):
    fruits.reserve(["kiwi"])
    with pytest.raises(ValueError, match=r"^name="):
        fruits.add(Fruit(name, ""))
    assert len(fruits) == 2


def test_a_table_cannot_be_written_to(fruits):
    with pytest.raises(TypeError):
        fruits["pear"] = Fruit("pear", "green")


def test_views_show_rows_that_are_added_later(fruits):
    sweet, meanings = Selection(fruits, lambda row: row.sweet), Column(fruits, "meaning")
    both = View(fruits, {"stone": None}, hint=fruits.hint)
    assert (list(sweet), list(both)) == (["apple"], ["apple", "lemon", "stone"])
    fruits.add(Fruit("pear", "green"))
    fruits.add(Fruit("lime", "sour", False))
    assert list(sweet) == ["apple", "pear"]
    assert dict(meanings) == {"apple": "red", "lemon": "yellow", "pear": "green", "lime": "sour"}
    assert (len(sweet), len(both), len(meanings)) == (2, 5, 4)
    assert "lime" not in sweet
    assert both.hint
