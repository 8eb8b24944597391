"""The user's own points of a space are checked and completed."""

from pathlib import Path

import pytest

from search import StudyError
from search.space import spaces
from search.space.initial_points import complete
from search.study import assembly, data, study_file

SPACE = spaces.build(
    {
        "rate": (1e-4, 1.0, "log"),
        "batch": (1, 64),
        "activation": ["relu", "tanh"],
        "solver": ["adam", "sgd"],
        "momentum": {"low": 0.5, "high": 0.9, "when": {"solver": "sgd"}},
        "sizes": {"layers": (1, 2), "width": [8, 16]},
    }
)


def test_what_a_point_says_is_kept_and_the_rest_is_drawn():
    given = [{"rate": 1, "sizes": [16, 8]}, {"rate": 0.5, "solver": "sgd", "momentum": 0.75}, {"solver": "adam"}, {}]
    whole = complete(SPACE, given, 0, "initial_points")
    assert [{k: p[k] for k in g} for p, g in zip(whole, given, strict=True)] == given
    assert [set(SPACE) - set(p) for p in whole if p["solver"] == "adam"] == [
        {"momentum"} for p in whole if p["solver"] == "adam"
    ]
    assert type(whole[0]["rate"]) is float
    assert whole == complete(SPACE, given, 0, "initial_points") != complete(SPACE, given, 1, "initial_points")


@pytest.mark.parametrize(
    ("point", "told"),
    [
        ({"rtae": 1}, r"rtae is not in the space \(did you mean rate\?\); allowed are rate, batch, activation"),
        ({"rate": 2}, r"rate is 2; allowed are numbers from 0\.0001 to 1\.0"),
        ({"rate": "fast"}, "rate is 'fast'; allowed are numbers"),
        ({"batch": 1.5}, r"batch is 1\.5; allowed are whole numbers from 1 to 64"),
        ({"batch": True}, "batch is True; allowed are whole numbers"),
        ({"activation": "step"}, "activation is 'step'; allowed are relu, tanh"),
        ({"sizes": [8, 8, 8]}, r"sizes is \[8, 8, 8\]: its layers is 3; allowed are whole numbers from 1 to 2"),
        ({"sizes": 8}, "sizes is 8; allowed are lists of whole numbers"),
        ({"momentum": 0.6}, "momentum exists only with solver = sgd; add that to the point"),
        ({"momentum": 0.6, "solver": "adam"}, "momentum exists only with solver = sgd"),
    ],
    ids=str,
)
def test_mistakes_name_place_key_and_value(point, told):
    with pytest.raises(StudyError, match=rf"^here\[1\]: {told}"):
        complete(SPACE, [{}, point], 0, "here")


STUDY = """\
name = "x"
data = { source = "sklearn:diabetes", task = "regression" }
search = { n_trials = 4, initial_points = [{ alpha = %s }] }
[space]
alpha = [0.1, 1.0]
"""


def test_a_study_with_other_points_is_another_study(tmp_path, monkeypatch):
    """Its trials are counted from the first point, so a journal with others is refused."""
    monkeypatch.chdir(tmp_path)
    Path("x.toml").write_text(STUDY % 1.0)
    study = study_file.load("x.toml")
    dataset = data.load(study)
    assembly.open_store(study, dataset, assembly.build_problem(study, dataset)).close()
    Path("x.toml").write_text(STUDY % 0.1)
    study = study_file.load("x.toml")
    with pytest.raises(StudyError, match=r"with another \[search\] \(initial_points: "):
        assembly.open_store(study, dataset, assembly.build_problem(study, dataset))
