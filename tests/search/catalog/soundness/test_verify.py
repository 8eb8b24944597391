"""`bpsearch verify` finds each kind of difference, changes nothing unless it is asked to, and repairs what it says."""

import pytest

from search.catalog.soundness.kinds import KINDS
from tests.search.catalog.soundness import plants
from tests.search.catalog.soundness.looks import content, found


def test_a_study_that_is_done_is_clean(verify):
    before = content()
    result = verify()
    assert (result.code, result.out, result.err) == (0, "1 study with 2 trials: nothing differs\n", "")
    told = {"studies": ["small"], "trials": 2, "running": [], "sound": True, "differences": []}
    assert verify("small", "--json").document == told
    assert verify("--repair").code == 0
    assert content() == before


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found_and_repaired_as_the_table_says(verify, kind):
    plants.PLANTS[kind]()
    before = content()
    looked = verify("--json")
    expected = {kind, *plants.BESIDES.get(kind, ())}
    states = {each: "found" if KINDS[each].repair else "left" for each in expected}
    assert (looked.code, found(looked)) == (1, set(states.items()))
    assert content() == before
    repaired = verify("--repair", "--json")
    assert found(repaired) == {(each, "repaired" if state == "found" else "left") for each, state in states.items()}
    assert repaired.code == ("left" in states.values())
    if KINDS[kind].repair:
        again = verify()
        assert (again.code, again.out) == (0, "1 study with 2 trials: nothing differs\n")
    else:
        assert content() == before
