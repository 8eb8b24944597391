"""Figures of whole searches: what each shows, also where little is to be shown."""

import io
import pickle
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError

import bpsearch
from bpmodel import BPRegressor, DivergenceError
from search import BPSearchCV, plots
from search.plots import gallery
from search.plots.figures import contour as plane_of_scores
from search.plots.figures import parallel_coordinates as lines
from search.plots.figures import stability_map as plane_of_divergence
from search.plots.subject import Subject, subject
from search.space import spaces
from search.trials.baselines import Baseline
from search.trials.out_of_fold.predictions import OutOfFold
from search.trials.out_of_fold.summary import summary

SPACE = spaces.build(
    {"learning_rate_init": (1e-4, 1.0, "log"), "hidden_layer_sizes": [[8], [16], [8, 8]], "alpha": (0.0, 1.0)}
)
BASELINES = [Baseline("dummy predictor", -9.0, 0.1, (-9.0, -9.5)), Baseline("linear model", -2.0, 0.1, (-2.25, -1.75))]


@pytest.fixture
def searched(make_outcome):
    """Return a search in which rates above 0.1 diverge and the score depends on the rate alone."""

    def make(n: int = 40, space: spaces.Space = SPACE, **more) -> Subject:
        outcomes = {}
        for number in range(n):
            params = space.random_point(3, number)
            rate = next((v for k, v in params.items() if k.endswith("learning_rate_init")), 0.01)
            score = -1.0 - abs(np.log10(rate) + 2)
            fields = {"scores": (score - 0.25, score + 0.25), "params": params, "n_weights": 50 + number}
            outcomes[number] = make_outcome(number, "diverged" if rate > 0.1 else "ok", **fields)
        return Subject(outcomes, space, BASELINES, "neg_root_mean_squared_error", **more)

    return make


def regression(n_outputs: int = 1):
    rows = np.arange(30, dtype=np.int32)
    truth = np.arange(30.0 * n_outputs).reshape(30, -1)
    return summary(3, OutOfFold(rows, rows % 3, truth.squeeze(), truth.squeeze() + 2))


def classification(names):
    rows = np.arange(60, dtype=np.int32)
    classes = np.array(sorted(names))
    codes = rows % len(classes)
    given = np.full((60, len(classes)), 0.1, dtype=np.float32)
    given[rows, codes] += 0.5
    predicted = classes[np.where(rows == 0, 1, codes)]
    return summary(3, OutOfFold(rows, rows % 3, classes[codes], predicted, given, classes))


def names(figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_all_figures_of_a_regression(searched):
    drawn = gallery.figures(searched(out_of_fold=regression()))
    assert list(drawn) == [
        *("history", "parameters", "parallel_coordinates", "importance", "contour", "stability_map"),
        *("learning_curves", "fold_scores", "size", "residuals"),
    ]
    for figure in drawn.values():
        figure.savefig(io.BytesIO(), format="png", dpi=30)


def test_figures_of_a_classification(searched):
    drawn = gallery.figures(searched(out_of_fold=classification(["yes", "no"])))
    assert {"confusion_matrix", "roc"} < drawn.keys()
    assert "residuals" not in drawn
    table = drawn["confusion_matrix"].axes[0]
    assert [text.get_text() for text in table.get_yticklabels()] == ["no", "yes"]
    assert [text.get_text() for text in table.texts] == ["29", "1", "0", "30"]
    assert names(drawn["roc"]) == ["yes: AUC 1.000, AP 1.000"]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_trials(searched, n):
    for figure in gallery.figures(searched(n)).values():
        figure.savefig(io.BytesIO(), format="png", dpi=30)
    for draw in (plots.importance, plots.contour, plots.parallel_coordinates, plots.stability_map, plots.fold_scores):
        draw(searched(n)).savefig(io.BytesIO(), format="png", dpi=30)


def test_nothing_but_divergence(make_outcome):
    outcomes = {n: make_outcome(n, "diverged", params=SPACE.random_point(0, n)) for n in range(20)}
    drawn = gallery.figures(Subject(outcomes, SPACE, BASELINES))
    assert {"history", "parallel_coordinates", "contour", "stability_map"} < drawn.keys()
    assert not {"importance", "fold_scores", "size", "learning_curves"} & drawn.keys()
    assert "most trials diverge" in names(drawn["contour"])


def test_sixty_parameters(searched):
    space = spaces.build({f"p{i}": (0.0, 1.0) for i in range(59)} | {"learning_rate_init": (1e-4, 1.0, "log")})
    found = searched(130, space)
    figure = plots.parallel_coordinates(found)
    assert figure.axes[0].get_title() == "Trials as lines, 10 of 60 hyperparameters"
    assert found.ranked()[0].name == "learning_rate_init"
    assert len(plots.importance(found).axes[0].patches) == 15


def test_ten_thousand_trials_are_thinned(make_outcome):
    outcomes = {n: make_outcome(n, params=SPACE.random_point(0, n), scores=(-n / 1e3,)) for n in range(3000)}
    found = Subject(outcomes, SPACE)
    chosen = lines.chosen(found)
    assert len(chosen) == lines.MOST_LINES
    assert [o.number for o in chosen[:100]] == list(range(100)), "the best are all there"
    assert chosen[-1].number == 2999
    assert "300 of 3,000 trials" in names(plots.parallel_coordinates(found))


def test_the_best_is_the_one_that_was_chosen(searched):
    found = searched()
    other = next(o for o in found.outcomes.values() if o.healthy and o is not found.best)
    figure = plots.history(Subject(found.outcomes, SPACE, scoring="r2", chosen=other))
    assert any(f"trial {other.number})" in text for text in names(figure))


# ------------------------------------------------------------------------------------------- what is drawn against what


def test_a_line_passes_below_what_its_trial_does_not_have(make_outcome):
    space = spaces.build({"solver": ["sgd", "adam"], "momentum": {"low": 0.0, "high": 1.0, "when": {"solver": "sgd"}}})
    params = [{"solver": "sgd", "momentum": 0.25}, {"solver": "adam"}, {"solver": "sgd", "momentum": 0.5}]
    outcomes = {n: make_outcome(n, params=p, scores=(-1.0 - n,)) for n, p in enumerate(params)}
    figure = plots.parallel_coordinates(Subject(outcomes, space))
    paths = [np.array(one.get_segments()[0]) for one in figure.axes[0].collections]
    assert sorted(path[:2, 1].tolist() for path in paths) == [[0.0, 0.25], [0.0, 0.5], [1.0, lines.BELOW]]
    assert max(path[2, 1] for path in paths) == 1, "the best score is on top"


def test_alternative_spaces_share_what_they_have_alike(make_outcome):
    rate = {"learning_rate_init": (1e-3, 1.0, "log")}
    space = spaces.build([{"solver": ["sgd"], **rate, "momentum": (0.0, 1.0)}, {"solver": ["adam"], **rate}])
    outcomes = {n: make_outcome(n, params=space.random_point(0, n)) for n in range(12)}
    found = Subject(outcomes, space)
    assert len(found.coordinates["learning_rate_init"].places) == 12
    assert len(found.coordinates["momentum"].places) < 12
    assert {"0: solver", "1: solver"} < found.coordinates.keys(), "other values are other coordinates"


def test_the_learning_rate_is_drawn_against_what_matters_most(searched):
    x, y = plane_of_scores.plane(searched(60))
    assert (x.name, y.name) == ("learning_rate_init", "alpha")
    pipeline = spaces.build({"net__alpha": (0.0, 1.0), "net__learning_rate_init": (1e-3, 1.0, "log")})
    assert plane_of_scores.plane(searched(20, pipeline))[0].name == "net__learning_rate_init"
    assert plane_of_scores.plane(searched(20, spaces.build({"a": ["x", "y"], "b": ["x", "y"]}))) is None


def test_the_region_of_divergence_is_where_trials_diverge(searched):
    found = searched(60)
    x, y = plane_of_scores.plane(found)
    common = [n for n in x.places if n in y.places]
    mean, share = plane_of_scores._fields(found, x, y, common)
    assert np.nanmean(share[:, -4:]) > 0.6 > 0.1 > np.nanmean(share[:, :20])
    low = np.nanmean(mean, axis=0)
    assert abs(np.nanargmin(low) / (len(low) - 1) - 0.5) < 0.15, "an error is lowest at 0.01, the middle of the scale"


def test_cells_count_the_trials_that_diverged(searched):
    found = searched(60)
    figure = plots.stability_map(found)
    counts = [tuple(map(int, text.get_text().split("/"))) for text in figure.axes[0].texts]
    assert sum(n for _, n in counts) == 60
    assert sum(diverged for diverged, _ in counts) == sum(o.diverged for o in found.outcomes.values()) > 0
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["8", "16", "8-8"]


def test_no_learning_rate_no_map(searched):
    assert plane_of_divergence.plane(searched(20, spaces.build({"a": (0.0, 1.0), "b": (0.0, 1.0)}))) is None


def test_lines_join_the_scores_on_the_same_fold(searched):
    found = searched()
    axes = plots.fold_scores(found).axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels[0].startswith(f"trial {found.best.number} (best)\n")
    assert labels[-2:] == ["dummy predictor\n9.25 (off scale)", "linear model\n2"]
    first = axes.lines[0]
    assert first.get_xdata()[0] == -found.best.fold_scores[0]
    assert np.isnan(first.get_xdata()[5]), "what is off the scale has no place"
    assert first.get_xdata()[6] == 2.25


def test_residuals_are_target_minus_prediction(searched):
    left, right = plots.residuals(searched(out_of_fold=regression())).axes
    assert left.get_title() == "RMSE 2, R² 0.947"
    assert right.get_title() == "mean residual -2"
    assert set(right.collections[0].get_offsets()[:, 1].tolist()) == {-2.0}


def test_many_outputs_and_many_classes_are_cut(searched):
    figure = plots.residuals(searched(out_of_fold=regression(6)))
    assert len(figure.axes) == 8
    assert "4 of 6 outputs" in figure.get_suptitle()
    told = classification([f"c{i:02d}" for i in range(31)])
    assert len(plots.confusion_matrix(searched(out_of_fold=told)).axes[0].get_yticks()) == 31
    assert len(names(plots.roc(searched(out_of_fold=told)))) == 10


@pytest.mark.parametrize("draw", [plots.residuals, plots.confusion_matrix, plots.roc])
def test_without_predictions_there_is_nothing_to_draw(searched, draw):
    with pytest.raises(ValueError, match="there are no out-of-fold"):
        draw(searched())


@pytest.mark.parametrize("name", sorted(set(plots.__all__) - {"parameters", "residuals", "roc"}))
def test_figures_of_one_panel_may_go_anywhere(searched, name):
    panels = Figure().subplots(1, 2)
    told = classification(["a", "b"]) if name == "confusion_matrix" else None
    figure = getattr(plots, name)(searched(out_of_fold=told), ax=panels[1])
    assert figure is panels[0].figure
    assert not figure.legends, "a legend of the whole figure is not ours to add"
    assert panels[1].has_data()
    assert not panels[0].has_data()


# ------------------------------------------------------------------------------------------------------ as people call it


@pytest.fixture(scope="module")
def fitted():
    X, y = load_diabetes(return_X_y=True)
    model = BPRegressor(hidden_layer_sizes=(4,), scale_target=True, max_iter=8)
    space = {"learning_rate_init": (1e-3, 0.1, "log"), "alpha": (1e-3, 1.0, "log")}
    return BPSearchCV(model, space, n_trials=4, cv=3, random_state=0, scoring="neg_mean_absolute_error").fit(X, y)


@pytest.mark.parametrize("name", sorted(set(plots.__all__) - {"confusion_matrix", "roc"}))
def test_a_fitted_search_is_drawn(fitted, name):
    assert isinstance(getattr(plots, name)(fitted), Figure)


def test_a_search_keeps_what_figures_need_but_not_the_data(fitted):
    assert fitted.result_.out_of_fold.n == 442
    assert fitted.result_.predictions is None
    assert fitted.result_.estimator is None
    assert subject(pickle.loads(pickle.dumps(fitted))).best.number == fitted.best_index_


def test_a_search_without_a_healthy_trial_is_drawn():
    X, y = load_diabetes(return_X_y=True)
    model = BPRegressor(hidden_layer_sizes=(4,), max_iter=8, solver="sgd", momentum=0.0)
    search = BPSearchCV(model, {"learning_rate_init": [1e5, 1e6]}, n_trials=2, cv=2, random_state=0)
    with pytest.raises(DivergenceError):
        search.fit(X, y)
    assert names(plots.history(search))[0] == "diverged"


def test_what_is_not_fitted_or_no_search_is_refused():
    with pytest.raises(NotFittedError, match="this BPSearchCV is not fitted yet"):
        plots.history(BPSearchCV(BPRegressor(), {}))
    with pytest.raises(
        TypeError, match=re.escape("plots are of a fitted BPSearchCV or the result of a study, got int")
    ):
        plots.history(3)


def test_plots_are_a_public_name():
    assert bpsearch.plots is plots
