"""A user's type checker knows the constructors, which are made from tables of options."""

import inspect
import re

import pytest
from mypy import api

from bpmodel import BPClassifier, BPRegressor
from bpmodel.preprocessing import TablePreprocessor, TargetTransformer
from docs import stubs

SCRIPT = """
from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.preprocessing import TablePreprocessor, TargetTransformer

model = BPRegressor(hidden_layer_sizes=(3,), alpha=0.1, random_state=None)
BPRegressor("huber", [8, 8], "tanh", max_norm=None, n_iter_no_change=float("inf"))
BPClassifier([8], ["relu"], class_weight={"a": 2.0}, batch_size=10, verbose=1).partial_fit([[1.0]], [1], classes=[0, 1])
TablePreprocessor(n_bins=8, categorical_columns=["town"]).fit(None).transform(None)
TargetTransformer(target_transform="log")
reveal_type(model)
reveal_type(model.fit([[1.0]], [1.0], X_val=None).diagnose())
reveal_type(BPEnsembleRegressor(model, n_members=2).predict([[1.0]]))
reveal_type(model.alpha)
BPRegressor(hiden_layer_sizes=(3,))  # wrong: no such option
BPRegressor(alpha="small")  # wrong: no number
BPRegressor("huber", (3,), "relu", "adam")  # wrong: only by name
BPClassifier(huber_delta=1.0)  # wrong: for regression only
TablePreprocessor(bins=8)  # wrong: no such option
TargetTransformer("log")  # wrong: only by name
BPRegressor().begin_fit([[1.0]], [1.0], validate=None)  # wrong: no such argument
BPRegressor().fit([[1.0]], [1.0], weight=None)  # wrong: no such argument
BPRegressor().partial_fit([[1.0]], [1.0], classes=[0])  # wrong: for classes only
"""
REVEALED = [
    "bpmodel.estimators.BPRegressor",
    "bpmodel.diagnosis.findings.Diagnosis",
    "numpy.ndarray[",
    "float",
]


@pytest.mark.parametrize("file", stubs.written(), ids=lambda file: file.parent.name)
def test_stubs_are_the_tables(file):
    """`make docs` writes them."""
    assert file.read_text(encoding="utf-8") == stubs.written()[file]


@pytest.mark.parametrize("cls", [BPRegressor, BPClassifier, TablePreprocessor, TargetTransformer])
def test_a_stub_has_every_parameter_in_order(cls):
    texts = "\n".join(stubs.written().values())
    (body,) = re.findall(rf"class {cls.__mro__[1].__name__}:\n(.*?)-> None", texts, re.DOTALL)
    names = re.findall(r"^        (\w+|\*)[:,]", body, re.MULTILINE)
    parameters = inspect.signature(cls).parameters.values()
    assert [name for name in names if name not in ("self", "*")] == [p.name for p in parameters]
    assert names.index("*") - 1 == sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


@pytest.mark.slow
def test_a_users_script(tmp_path, monkeypatch):
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    monkeypatch.setenv("MYPYPATH", str(stubs.ROOT))
    options = ["--ignore-missing-imports", "--follow-imports=silent", "--config-file=", f"--cache-dir={tmp_path}"]
    output, problems, _ = api.run([*options, str(file)])
    assert problems == ""
    wrong = {number for number, line in enumerate(SCRIPT.splitlines(), 1) if "# wrong" in line}
    assert {int(n) for n in re.findall(r"script\.py:(\d+): error", output)} == wrong, output
    for expected, said in zip(REVEALED, re.findall(r'Revealed type is "(.*)"', output), strict=True):
        assert said.removeprefix("builtins.").startswith(expected)  # older versions of mypy say where a type is from


@pytest.mark.parametrize("package", ["bpmodel", "search"])
def test_the_packages_are_typed(package):
    assert (stubs.ROOT / package / "py.typed").exists()
