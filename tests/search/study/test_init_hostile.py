"""Whatever the names and the values are, what init writes loads and can be run, and nothing invalid is left."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import StudyError
from search.study import assembly, data, init, study_file

ODD = [
    "",
    " ",
    "a\nb",
    "\r\n",
    'quote"',
    "back\\slash",
    "'''",
    '"""',
    "# no",
    "[data]",
    "x = 1",
    "a.b",
    "größe, m²",
    "房价",
    "🏠",
]
ODD += [
    "\x00",
    "\x7f",
    "\u2028",
    "\u202e",
    "{braces}",
    "%s",
    "$(rm)",
    "a" * 3000,
    "Id",
    "target",
    "year",
    "month",
    "nan",
    "None",
]
ODD += ["true", "1", "[red]"]
NAMES = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
N = 60


def numbers(random: np.random.Generator) -> np.ndarray:
    return random.normal(size=N)


COLUMNS = {
    "number": numbers,
    "gaps": lambda random: np.where(random.random(N) < 0.2, np.nan, random.normal(size=N)),
    "endless": lambda random: np.where(random.random(N) < 0.2, np.inf, random.normal(size=N)),
    "counts": lambda random: random.integers(0, 5, N),
    "row number": lambda random: np.arange(N),
    "shuffled": lambda random: random.permutation(N) + 1,
    "constant": lambda random: np.ones(N),
    "empty": lambda random: np.full(N, np.nan),
    "truth": lambda random: random.random(N) < 0.5,
    "dates": lambda random: pd.date_range("2024-01-01", periods=N, freq="h"),
    "zone": lambda random: pd.date_range("2024-03-30", periods=N, freq="h", tz="UTC"),
    "duration": lambda random: pd.to_timedelta(random.integers(0, 99, N), unit="s"),
    "levels": lambda random: random.choice(["a", "b", 'c"\n'], N),
    "odd": lambda random: random.choice(np.array(ODD, dtype=object), N),
    "texts": lambda random: [f"{i} # \n" for i in range(N)],
    "groups": lambda random: np.repeat(np.arange(20), 3).astype(str),
    "huge": lambda random: random.normal(size=N) * 1e300,
    "large": lambda random: 10**15 + random.permutation(N),
}
TARGETS = {
    "number": numbers,
    "wave": lambda random: np.sin(np.arange(N) / 9),
    "gaps": COLUMNS["gaps"],
    "counts": lambda random: np.arange(N) % 3,
    "rare": lambda random: np.r_[np.zeros(N - 3), np.ones(3)],
    "one row": lambda random: ["x", *["y", "z"] * 29, "y"],
    "truth": COLUMNS["truth"],
    "levels": COLUMNS["levels"],
    "sorted": lambda random: ["a"] * 30 + ["b"] * 30,
    "skewed": lambda random: np.exp(3 * random.normal(size=N)),
    "zeros": lambda random: np.where(random.random(N) < 0.5, 0, random.lognormal(size=N)),
}


def runs(path: Path) -> study_file.Study:
    """Load a study, its rows and its folds, and score its dummy predictor."""
    study = study_file.load(path)
    dataset = data.load(study)
    problem = assembly.build_problem(study, dataset)
    assert assembly.measure_dummy(study, problem).score is not None
    return study


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=5),
    names=st.lists(NAMES, min_size=6, max_size=6, unique=True),
    target=st.sampled_from(list(TARGETS)),
    seed=st.integers(0, 99),
)
@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:invalid value encountered:RuntimeWarning", "ignore:overflow encountered:RuntimeWarning"
)
def test_what_is_written_loads_and_runs(tmp_path, kinds, names, target, seed):
    random = np.random.default_rng(seed)
    names = [name or "column" for name in names]
    names = [f"{name}{i}" if name in names[:i] else name for i, name in enumerate(names)]
    frame = pd.DataFrame({name: COLUMNS[kind](random) for name, kind in zip(names, kinds, strict=False)})
    frame[names[-1]] = TARGETS[target](random)
    frame.to_parquet(tmp_path / "x.parquet")
    output = tmp_path / "x.toml"
    output.unlink(missing_ok=True)
    path, profile = init.write_study(tmp_path / "x.parquet", names[-1], output)
    study = runs(path)
    assert study.data.target == names[-1]
    assert set(study.data.drop) <= set(frame.columns)
    assert [column.name for column in profile.columns] == list(frame.columns[:-1])
    assert all(len(finding.sentence.splitlines()) == 1 for finding in profile.findings)


def write(path: Path, **columns) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    pd.DataFrame({"x": random.normal(size=40), "y": random.normal(size=40), **columns}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("房价.csv", "房价"),
        ("二手房 (2).csv", "二手房-2"),
        ("m².csv", "m"),
        ("café.csv", "café"),
        ("цены.csv.gz", "цены"),
        ("हिन्दी.csv", "हिन्दी"),
        ("$$$.csv", "study"),
        ("-_.csv", "study"),
        ("a" * 240 + ".csv", "a" * 60),
        ("房" * 80 + ".csv", "房" * 60),
    ],
)
def test_a_study_is_named_after_its_file_bug(tmp_path, monkeypatch, file, name):
    """Every Chinese file gave `study`, and the second one an error."""
    monkeypatch.chdir(tmp_path)
    path, _ = init.write_study(write(Path(file)), "y")
    assert path == Path("studies") / f"{name}.toml"
    assert study_file.load(path).name == name


def test_studies_of_other_tables_get_a_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [init.write_study(write(Path(folder) / "房价.csv"), "y")[0].stem for folder in ("a", "b", "c")]
    assert names == ["房价", "房价-2", "房价-3"]
    assert [study_file.load(f"studies/{name}.toml").name for name in names] == names
    assert init.write_study(Path("a/房价.csv"), "x")[0].stem == "房价-4"  # another target
    for folder, name in (("a", "房价"), ("b", "房价-2")):
        with pytest.raises(
            StudyError, match=rf"studies/{name}\.toml already exists; choose another file with --output"
        ):
            init.write_study(Path(folder) / "房价.csv", "y")
    Path("studies/x.toml").write_text("no TOML")
    assert init.write_study(write(Path("x.csv")), "y")[0].stem == "x-2"


def test_an_existing_output_is_kept(tmp_path):
    write(tmp_path / "x.csv")
    (tmp_path / "x.toml").write_text("mine")
    with pytest.raises(StudyError, match=r"x\.toml already exists; choose another file with --output"):
        init.write_study(tmp_path / "x.csv", "y", tmp_path / "x.toml")
    assert (tmp_path / "x.toml").read_text() == "mine"


def keys(tmp_path, target="y", **columns) -> study_file.Study:
    path, _ = init.write_study(write(tmp_path / "x.csv", **columns), target, tmp_path / "x.toml")
    return runs(path)


def test_the_keys_that_are_written(tmp_path):
    wave = np.sin(np.arange(40) / 9)
    study = keys(tmp_path, Id=np.arange(1, 41), same="s", when=pd.date_range("2024-02-28", periods=40), y=wave)
    assert (study.data.drop, study.data.time, study.scheme.kind) == (["same", "Id"], "when", "time_series")
    assert "# lags = 4    # to forecast the target from its last values" in (tmp_path / "x.toml").read_text()


@pytest.mark.parametrize("y", ["a" * 20 + "b" * 20, "aaaaabbbbb" * 3 + "a" * 10])
def test_folds_that_would_have_one_class_are_not_written(tmp_path, y):
    """In the order of time the first fold trains, or the last one validates, on one class: the key becomes a comment."""
    y = list(y)
    study = keys(tmp_path, when=pd.date_range("2024-02-28", periods=40), y=y)
    assert (study.data.time, study.scheme.kind) == (None, "stratified")
    assert '\n# time = "when"' in (tmp_path / "x.toml").read_text()


def test_a_class_of_one_row_in_all(tmp_path):
    with pytest.raises(StudyError, match=r"too few rows of each class"):
        keys(tmp_path, y=["a"] * 39 + ["b"])
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


@pytest.mark.parametrize("more", [False, True])
def test_a_comment_that_is_taken_up_is_valid(tmp_path, more):
    """The line with several suspects is a list as it stands."""
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, 40))
    keys(tmp_path, a=a, b=b, y=a + b, **({"same": 1} if more else {}))
    path = tmp_path / "x.toml"
    path.write_text(re.sub(r"^( *)# (drop|\")", r"\1\2", path.read_text(), flags=re.MULTILINE))
    assert set(study_file.load(path).data.drop) == ({"a", "b", "same"} if more else {"a", "b"})
