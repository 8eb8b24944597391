"""A model in an environment made of its own requirements: it loads there and predicts what it predicts here.

It takes minutes, so it is run by `make test-slow` and not by `make test`.
"""

import json
import subprocess
import sys
import venv

import numpy as np
import pandas as pd
import pytest

from search.tracking import Header, MLflowTracker
from search.trials.pipeline import default_pipeline

N = 60
RANDOM = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "rooms": RANDOM.integers(1, 7, N),
        "area": np.where(RANDOM.random(N) < 0.1, np.nan, RANDOM.uniform(30, 200, N)),
        "town": RANDOM.choice(["Ulm", "Bonn"], N),
        "sold": pd.date_range("2024-02-28", periods=N, freq="D"),
    }
)

PREDICT = """\
import json, sys, time, warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
rows = pd.read_csv(sys.argv[2], parse_dates=["sold"])
served = mlflow.pyfunc.load_model(sys.argv[1])
start = time.perf_counter()
first = served.predict(rows).tolist()
print(f"the first prediction took {time.perf_counter() - start:.2f} s", file=sys.stderr)
import bpmodel
told = {
    "python_function": first,
    "sklearn": mlflow.sklearn.load_model(sys.argv[1]).predict(rows).tolist(),
    "code": bpmodel.__file__,
    "needless": sorted({"matplotlib.pyplot", "optuna", "search"} & set(sys.modules)),
}
print(json.dumps(told))
"""


@pytest.mark.slow
def test_a_model_predicts_in_an_environment_made_of_its_own_requirements(tmp_path, empty_database):
    (tmp_path / "mlflow.db").write_bytes(empty_database.read_bytes())
    model = {"hidden_layer_sizes": [8], "max_iter": 20, "n_iter_no_change": 1, "tol": 1e9, "random_state": 0}
    pipeline = default_pipeline("regression", model, {"numeric": "quantile"}).fit(TABLE, 50.0 * TABLE.rooms)
    tracker = MLflowTracker(f"sqlite:///{tmp_path}/mlflow.db")
    tracker.begin(Header("x", "one", {}))
    tracker.register(pipeline, TABLE, -1.0)
    tracker.end("FINISHED")
    (folder,) = tmp_path.glob("artifacts/x/models/*/artifacts")
    TABLE.to_csv(tmp_path / "rows.csv", index=False)

    venv.create(tmp_path / "own", with_pip=True)
    python = tmp_path / "own" / "bin" / "python"
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",  # of all that is installed, a model needs a part
        "-r",
        folder / "requirements.txt",
    ]
    subprocess.run(install, check=True)
    done = subprocess.run(
        [python, "-I", "-c", PREDICT, folder, tmp_path / "rows.csv"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    print(done.stderr, file=sys.stderr)
    told = json.loads(done.stdout.splitlines()[-1])
    expected = pipeline.predict(pd.read_csv(tmp_path / "rows.csv", parse_dates=["sold"])).tolist()
    assert told["python_function"] == expected
    assert told["sklearn"] == expected
    assert told["code"].startswith(str(folder))
    assert told["needless"] == []
