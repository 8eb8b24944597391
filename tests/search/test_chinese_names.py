"""A table as Excel in China saves it: Chinese names of file, columns, levels and study, in GBK, from `init` to the model."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search import cli, tracking
from search.study import study_file

AREA = "建筑面积\N{FULLWIDTH LEFT PARENTHESIS}平方米\N{FULLWIDTH RIGHT PARENTHESIS}"


@pytest.fixture
def homes() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            AREA: random.uniform(40, 160, 60).round(1),
            "城区": random.choice(["浦东", "徐汇", "闵行"], 60),
            "有电梯": random.choice(["是", "否"], 60),
            "挂牌日期": [f"2024年{1 + i % 12}月{1 + i % 28}日" for i in range(60)],
        }
    )
    price = 3 * frame[AREA] + 50 * (frame["城区"] == "徐汇")
    return frame.assign(总价=[f"{each:.0f}万" for each in price])


def test_from_a_file_to_a_model_bug(folder, homes, capsys, mlflow):
    """`init` wrote studies/study.toml, named "study"; the second such file ended with "studies/study.toml exists already"."""
    homes.to_csv("二手房.csv", index=False, encoding="gbk")
    assert cli.main(["init", "二手房.csv", "--target", "总价"]) == 0
    told = capsys.readouterr().out
    assert "read with encoding gb18030" in told
    assert "written: studies/二手房.toml" in told

    path = Path("studies/二手房.toml")
    study = study_file.load(path)
    assert (study.name, study.data.target, study.data.task) == ("二手房", "总价", "regression")
    assert [AREA in line for line in told.splitlines()].count(True) >= 1

    short = path.read_text(encoding="utf-8").replace("max_iter = 200", "max_iter = 3")
    path.write_text(short.replace("n_trials = 50", "n_trials = 2\nn_members = 1\nn_seeds = 1"), encoding="utf-8")
    assert cli.main(["tune", "studies/二手房.toml"]) == 0
    told = capsys.readouterr().out
    assert "二手房: bayesian search" in told
    assert "model:  models:/二手房@champion" in told
    assert Path("studies/二手房.journal").exists()
    plots = {plot.name for plot in folder.glob("mlruns/artifacts/二手房/*/artifacts/plots/*.png")}
    assert {"history.png", "parameters.png"} <= plots

    mlflow.set_tracking_uri(tracking.default_uri())
    model = mlflow.sklearn.load_model("models:/二手房@champion")
    predicted = model.predict(homes.drop(columns="总价"))
    assert np.isfinite(predicted).all()
    assert predicted.shape == (60,)

    shutil.copy("二手房.csv", "新房.csv")
    assert cli.main(["init", "新房.csv", "--target", "总价"]) == 0
    assert "written: studies/新房.toml" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["房价", "房价-2024", "房价.v2", "лес", "häuser", "家賃"])
def test_a_study_may_have_a_name_of_any_script_bug(tmp_path, name):
    """name = "房价" was refused."""
    text = f'name = "{name}"\ndata = {{ source = "sklearn:diabetes", task = "regression" }}'
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    assert study_file.load(tmp_path / "x.toml").name == name
