"""Fitted networks as version 0.1.0 (commit 8fa83ff) saved them: run this file with that version on the path.

    git worktree add ../old 8fa83ff && PYTHONPATH=../old python tests/bpmodel/saved/make.py

Each model is saved by pickle and by skops; its predictions of the first rows are in `predictions.npz`. So is `table`, the
preprocessor of a table, with its prepared rows.
"""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.preprocessing import TablePreprocessor

FOLDER = Path(__file__).parent
X, species = load_iris(return_X_y=True)
X, species = X[::3], species[::3]
y = X[:, 0]
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0}
MODELS = {
    "regressor": (BPRegressor(**SMALL, scale_input="standard", scale_target=True), y),
    "diverged": (BPRegressor(**SMALL, solver="sgd", learning_rate_init=1e6), y),
    "repaired": (
        BPRegressor(**SMALL | {"max_iter": 20}, solver="sgd", learning_rate_init=3.0, on_divergence="repair"),
        y,
    ),
    "classifier": (make_pipeline(StandardScaler(), BPClassifier(**SMALL)), species),
    "ensemble": (BPEnsembleRegressor(BPRegressor(**SMALL), n_members=2, random_state=0), y),
}

TABLE = pd.DataFrame(
    {
        "area": [50.0, np.nan, 100.0, 90.0],
        "sold": ["2024-02-29", "2024-03-01", None, "2024-04-01T06:00"],
        "town": ["Ulm", "Bonn", None, "Ulm"],
        "garden": [True, False, True, True],
    }
)

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    predictions = {}
    table = TablePreprocessor().fit(TABLE)
    for name, (model, target) in MODELS.items():
        model.fit(X, target)
        (FOLDER / f"{name}.pkl").write_bytes(pickle.dumps(model))
        skops.io.dump(model, FOLDER / f"{name}.skops", compression=8)
        predictions[name] = model.predict(X[:5])
    (FOLDER / "table.pkl").write_bytes(pickle.dumps(table))
    skops.io.dump(table, FOLDER / "table.skops", compression=8)
    np.savez_compressed(FOLDER / "predictions.npz", **predictions, table=table.transform(TABLE))
