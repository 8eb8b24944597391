"""A table as Excel in China saves it: Chinese names of file, columns, levels and study, in GBK, from `init` to the model."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search import cli, tracking
from search.study import study_file

PAGES = Path(__file__).parents[2] / "docs/zh"


@pytest.fixture
def homes() -> pd.DataFrame:
    """The table of docs/zh/init.md."""
    random, n = np.random.default_rng(0), 400
    frame = pd.DataFrame(
        {
            "编号": range(1, n + 1),
            "小区": random.choice(["翠湖", "东方花园", "锦绣", "阳光"], n),
            "面积": [f"{each:.1f}㎡" for each in random.uniform(40, 160, n)],
            "楼层": random.integers(1, 30, n).astype(object),
            "挂牌日期": [f"{2022 + i % 3}年{1 + i % 12}月{1 + i % 28}日" for i in range(n)],
            "有电梯": random.choice(["是", "否"], n),
        }
    )
    area = frame["面积"].str[:-1].astype(float)
    price = area * 3 + (frame["小区"] == "翠湖") * 60 - (frame["有电梯"] == "否") * 30 + random.normal(0, 15, n)
    frame["总价"] = [f"{each:.0f}万" for each in price]
    frame.loc[7, "楼层"] = "?"
    return frame


def blocks(page: str, language: str) -> list[str]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return [
        block
        for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if kind == language
    ]


def test_from_a_file_to_a_model_bug(folder, homes, capsys, mlflow, all_figures):
    """`init` wrote studies/study.toml, named "study"; the second such file ended with "studies/study.toml exists already".

    The commands and what they print are those of docs/zh.
    """
    homes.to_csv("二手房.csv", index=False, encoding="gbk")
    (command,) = blocks("init.md", "sh")
    assert cli.main(shlex.split(command)[1:]) == 0
    told = capsys.readouterr().out
    table, printed = blocks("init.md", "")
    assert Path("二手房.csv").read_text(encoding="gbk").startswith(table)
    assert [line for line in printed.splitlines() if line not in told] == []

    path = Path("studies/二手房.toml")
    study = study_file.load(path)
    assert (study.name, study.data.target, study.data.task) == ("二手房", "总价", "regression")

    short = path.read_text(encoding="utf-8").replace("max_iter = 200", "max_iter = 3")
    path.write_text(short.replace("n_trials = 50", "n_trials = 7\nn_members = 1\nn_seeds = 1"), encoding="utf-8")
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
    assert predicted.shape == (400,)

    (lines,) = blocks("diagnosis.md", "sh")
    given, of_a_trial = (shlex.split(line)[1:] for line in lines.splitlines())
    assert cli.main(given) == 0
    told = capsys.readouterr().out
    printed = blocks("diagnosis.md", "")[0].splitlines()
    assert "exploding_step at epoch 1 (learning rate 5, " in told
    assert [line for line in printed[2:] if line not in told] == []
    assert cli.main(of_a_trial) == 0

    shutil.copy("二手房.csv", "新房.csv")
    assert cli.main(["init", "新房.csv", "--target", "总价"]) == 0
    assert "written: studies/新房.toml" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["房价", "房价-2024", "房价.v2", "лес", "häuser", "家賃"])
def test_a_study_may_have_a_name_of_any_script_bug(tmp_path, name):
    """name = "房价" was refused."""
    text = f'name = "{name}"\ndata = {{ source = "sklearn:diabetes", task = "regression" }}'
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    assert study_file.load(tmp_path / "x.toml").name == name
