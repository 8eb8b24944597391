"""The table of states and transitions, row by row."""

import pytest

from search.service import states
from search.service.states import ENDED, MEANINGS, PARTICIPLES, SERVICE, STATES, TRANSITIONS, USER, WANTED

ACTIONS = list(dict.fromkeys(row.action for row in TRANSITIONS))


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.action} {row.before}")
def test_a_row_leads_from_a_state_to_a_state(row):
    assert row.before in STATES
    assert row.after in STATES or row.after == WANTED
    assert row.wanted in ("", *STATES)
    assert bool(row.wanted) == (row.after == states.STOPPING)
    assert row.by in (USER, SERVICE)
    assert states.transition("x", row.before, row.action) is row


def test_no_state_has_two_rows_for_an_action():
    assert len({(row.action, row.before) for row in TRANSITIONS}) == len(TRANSITIONS)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_not_in_the_table_is_refused_by_name(state, action):
    if any((row.before, row.action) == (state, action) for row in TRANSITIONS):
        return
    with pytest.raises(states.TransitionError) as caught:
        states.transition("wine", state, action)
    told = str(caught.value)
    assert told.startswith(f"study 'wine' is {state}: it cannot be {PARTICIPLES[action]}; allowed ")
    assert all(each in told.partition("allowed")[2] for each in states.allowed_in(state))


def test_users_can_do_something_in_every_state():
    assert all(states.allowed_in(state) for state in STATES)


def test_every_action_of_users_has_a_meaning():
    assert set(MEANINGS) == {row.action for row in TRANSITIONS if row.by == USER}
    assert set(PARTICIPLES) == set(ACTIONS)


def test_what_has_ended_goes_on_only_by_request():
    assert all(row.by == USER for row in TRANSITIONS if row.before in ENDED)


def test_every_state_can_be_reached():
    reached = {states.QUEUED}
    for _ in STATES:
        reached |= {row.after for row in TRANSITIONS if row.before in reached}
        reached |= {row.wanted for row in TRANSITIONS if row.before in reached and row.wanted}
    assert reached - {WANTED} == set(STATES)
