"""Projects in which the commands and programs of the documents run, in a process of their own for each page."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from search import cli
from tests.docs.blocks import ROOT

ROWS = 120  # from 100 on, `init` repeats no folds


def houses(seed: int, rows: int = ROWS) -> pd.DataFrame:
    """Return a table as the documents describe it, without dates, which cannot be exported to ONNX."""
    rng = np.random.default_rng(seed)
    rooms, area = rng.integers(1, 6, rows), rng.uniform(80, 600, rows).round()
    return pd.DataFrame(
        {
            "Suburb": rng.choice(["Kew", "Richmond", "Abbotsford"], rows),
            "Rooms": rooms,
            "Land area": np.where(rng.random(rows) < 0.05, np.nan, area),  # so that it may be left out
            "price": (200 * rooms + area + rng.normal(0, 30, rows)).round(1),
        }
    )


def flats(seed: int) -> pd.DataFrame:
    """Return the table of the Chinese pages."""
    rng = np.random.default_rng(seed)
    area = rng.uniform(40, 140, ROWS).round(1)
    return pd.DataFrame(
        {
            "编号": range(1, ROWS + 1),
            "小区": rng.choice(["阳光", "锦绣"], ROWS),
            "面积": [f"{a}㎡" for a in area],
            "楼层": rng.integers(1, 30, ROWS),
            "有电梯": rng.choice(["是", "否"], ROWS),
            "总价": [f"{p:.0f}万" for p in 2.5 * area + rng.normal(0, 12, ROWS)],
        }
    )


def shortened(study: Path) -> None:
    """Give a study file a budget for tests."""
    text = re.sub(
        r"^(n_trials|n_seeds|n_members|max_iter) = .*\n", "", study.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    text = re.sub(r"^\[model\].*$", "[model]\nmax_iter = 8", text, flags=re.MULTILINE)
    added = "n_trials = 8\nn_seeds = 1\nn_members = 2"
    text = re.sub(r"^\[search\].*$", f"[search]\n{added}", text, flags=re.MULTILINE)
    study.write_text(text if "[search]" in text else f"{text}\n[search]\n{added}\n", encoding="utf-8")


def write(project: Path) -> None:
    """Write the study files of this project, the default one with a small budget, and the tables that documents name."""
    shutil.copytree(ROOT / "studies", project / "studies", ignore=shutil.ignore_patterns("*.journal*"))
    shortened(project / "studies/diabetes.toml")
    houses(0).to_csv(project / "prices.csv", index=False)
    houses(1, 20).drop(columns="price").to_csv(project / "new.csv", index=False)
    houses(2, 20).to_csv(project / "test.csv", index=False)
    for name, seed in (("二手房", 0), ("新房源", 1), ("测试", 2)):
        flats(seed).to_csv(project / f"{name}.csv", index=False, encoding="gb18030" if name == "二手房" else "utf-8")


def main() -> None:
    """Run what standard input says, in the current directory: commands, then programs, which know `rows`."""
    given = json.load(sys.stdin)
    for words in given["commands"]:
        if code := cli.main(words):
            sys.exit(f"{words} ended with {code}")
        if words[0] == "init":
            for study in Path("studies").glob("*.toml"):
                shortened(study)
    names: dict = {"rows": pd.read_csv("new.csv")}
    for place, text in given["programs"]:
        exec(compile(text, place, "exec"), names)


if __name__ == "__main__":
    main()
