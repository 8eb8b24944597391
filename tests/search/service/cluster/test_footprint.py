"""How much memory a trial takes: that of its own network, table and folds included, and never less than a part of the study."""

import pytest

from search.loop.workers import Job
from search.service import submission
from search.service.cluster.footprint import TABLE, Footprint
from search.service.place import Place
from search.study import study_file
from search.study.assembly import build_problem
from search.study.data import load
from search.trials.problem import Trial


@pytest.fixture
def study(write):
    path = write()
    text = path.read_text().replace("hidden_layer_sizes = 4\n", "")
    path.write_text(text.replace("[space]", "[space]\nhidden_layer_sizes = [[4], [500, 500]]"))
    made = submission.of_file(path, Place())
    return study_file.parse(made.text, Place().study(made.name))


@pytest.fixture
def footprint(study):
    problem = build_problem(study, load(study))
    counted = Footprint(study)
    return lambda layers, enough: counted(
        Job(problem, Trial(0, {"hidden_layer_sizes": layers, "alpha": 1e-4, "learning_rate_init": 0.01})), enough
    )


def test_a_trial_takes_what_its_network_takes(footprint):
    small, large = footprint((4,), 0.0), footprint((500, 500), 0.0)
    assert small < large
    assert large > 4 * 500 * 500 * 3
    assert small > 40 * 2 * TABLE


def test_where_the_largest_fits_nothing_is_counted_one_by_one(footprint, monkeypatch):
    most = footprint((500, 500), 0.0)
    assert footprint((4,), most) == footprint((500, 500), most) == most
    assert footprint((4,), most - 1) < most


def test_columns_that_preprocessing_makes_count(write):
    def most(text):
        path = write()
        path.write_text(path.read_text().replace("[search]", f"{text}\n[search]"))
        made = submission.of_file(path, Place())
        study = study_file.parse(made.text, Place().study(made.name))
        return Footprint(study)._columns(build_problem(study, load(study)))

    assert most("") == 2
    assert most('[preprocessing]\nnumeric = "piecewise"\nn_bins = 7') == 14
