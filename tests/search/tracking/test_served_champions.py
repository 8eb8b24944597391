"""`mlflow models serve` with the address of a champion answers real requests as its pipeline predicts."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from bpmodel import BPClassifier, BPRegressor
from bpmodel.preprocessing import TablePreprocessor
from search.tracking import Header, MLflowTracker, writing
from search.tracking.contents.entrants import Entrant
from tests.fuzz.parts import served

pytestmark = [
    pytest.mark.slow,  # a server takes ten seconds to start
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

RANDOM = np.random.default_rng(5)
TABLE = pd.DataFrame({"area": RANDOM.uniform(30, 200, 60).round(1), "town": RANDOM.choice(["Ulm", "Bonn"], 60)})
PRICE = TABLE.area + 90.0 * (TABLE.town == "Ulm")
OPTIONS = {"hidden_layer_sizes": (4,), "max_iter": 10}
KINDS = {
    "a regressor": (BPRegressor, PRICE),
    "a classifier": (BPClassifier, np.where(PRICE.median() < PRICE, "dear", "cheap")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_champion_is_served_under_its_address(tmp_path, empty_database, mlflow, kind):
    network, y = KINDS[kind]
    (tmp_path / "mlflow.db").write_bytes(empty_database.read_bytes())
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    entrant = Entrant(-1.0, "neg_rmse", "rows", "folds")
    models = [
        make_pipeline(TablePreprocessor(), network(random_state=seed, **OPTIONS)).fit(TABLE, y) for seed in range(2)
    ]
    for number, (model, score) in enumerate(zip(models, (-1.0, -2.0), strict=True)):
        own = dataclasses.replace(entrant, score=score)
        tracker = MLflowTracker(uri)
        with writing(tracker, Header("prices", f"{number}", {}, entrant=lambda own=own: own)):
            made = tracker.register(model, TABLE, score)
    assert made.alias == "challenger"
    rows = TABLE.tail(10)
    with served.model_server("models:/prices@champion", tmp_path, MLFLOW_TRACKING_URI=uri) as address:
        expected = models[0].predict(rows).tolist()
        assert served.asked(address, {"dataframe_records": rows.to_dict("records")}) == pytest.approx(expected)
        assert served.asked(address, rows.to_csv(index=False), "text/csv") == pytest.approx(expected)
    assert expected != models[1].predict(rows).tolist() or kind == "a classifier"
