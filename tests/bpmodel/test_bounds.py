"""Every option that takes whole numbers has an upper bound, and says so."""

from numbers import Integral

import numpy as np
import pytest

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.domains import MOST_LAYERS, Interval, InvalidParameterError, ListOf
from bpmodel.ensembles import MOST_MEMBERS
from bpmodel.option import check_options
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing import PiecewiseLinearEncoder, TablePreprocessor
from bpmodel.preprocessing.options import COLUMNS

X, Y = np.arange(12.0)[:, None], np.arange(12.0)
CLASSES = {BPRegressor: REGRESSOR_OPTIONS, BPClassifier: CLASSIFIER_OPTIONS, TablePreprocessor: COLUMNS}
ROWS = [(cls, option) for cls, options in CLASSES.items() for option in options]
WHOLE = [
    (cls, option.name, domain)
    for cls, option in ROWS
    for domain in option.domain.domains
    if isinstance(domain, Interval) and domain.kind is Integral
]
BEYOND = {"2 ** 63": 2**63, "10 ** 400": 10**400, "10 ** 5000": 10**5000}


def ids(rows):
    return [f"{cls.__name__}-{name}" for cls, name, *_ in rows]


def refusal(cls, name, value) -> str:
    with pytest.raises(InvalidParameterError) as error:
        check_options(cls(**{name: value}), CLASSES[cls])
    return str(error.value)


def test_no_kind_takes_whole_numbers_behind_the_back_of_the_table():
    """A row whose domain has 10 to the 400 must be one of whole numbers, which are tried below."""
    assert [(cls, option.name) for cls, option in ROWS if 10**400 in option.domain] == []
    assert len(WHOLE) >= 14


@pytest.mark.parametrize(("cls", "name", "domain"), WHOLE, ids=ids(WHOLE))
def test_the_bound_is_allowed_and_one_more_is_refused(cls, name, domain):
    assert domain.high is not None
    options = [option for option in CLASSES[cls] if option.name == name]
    check_options(cls(**{name: domain.high}), options)
    for value in (domain.high + 1, *BEYOND.values()):
        told = refusal(cls, name, value)
        assert f"The '{name}' parameter of {cls.__name__} must be" in told
        assert f"<= {domain.high}" in told
        assert len(told.splitlines()) == 1


SEEDED = [(cls, "random_state", None) for cls in (BPRegressor, BPClassifier)]


@pytest.mark.parametrize(("cls", "name", "_"), SEEDED, ids=ids(SEEDED))
@pytest.mark.parametrize("value", [2**32, *BEYOND.values()], ids=["2 ** 32", *BEYOND])
def test_seeds(cls, name, _, value):
    assert f"<= {2**32 - 1}" in refusal(cls, name, value)


NUMBERS = [(cls, o.name, 0) for cls, o in ROWS if any(d.annotation == "float" for d in o.domain.domains)]


@pytest.mark.parametrize(("cls", "name", "_"), NUMBERS, ids=ids(NUMBERS))
@pytest.mark.parametrize("value", [10**400, 10**5000], ids=["10 ** 400", "10 ** 5000"])
def test_numbers_are_those_of_floats(cls, name, _, value):
    """A whole number beyond the largest float was below infinity, and ended the fit with an OverflowError."""
    assert f"The '{name}' parameter of" in refusal(cls, name, value)


LISTS = {
    "one too many": [1] * (MOST_LAYERS + 1),
    "a huge one": [16, 10**400],
    "one of too many digits": [16, 10**5000],
    "beyond 64 bits": [2**63],
    "beyond the bound": [1_000_001],
    "in an array": np.array([16, 10**400], dtype=object),
}


@pytest.mark.parametrize("value", LISTS.values(), ids=LISTS)
def test_lists_of_layers_are_bounded_and_so_are_their_elements(value):
    """A whole number of 400 digits among the sizes was an OverflowError."""
    with pytest.raises(ValueError, match=r"hidden_layer_sizes.*(<= 1000000|at most 1000)") as error:
        BPRegressor(hidden_layer_sizes=value, max_iter=1).fit(X, Y)
    assert len(str(error.value).splitlines()) == 1


def test_the_longest_list_is_allowed():
    (layers,) = (d for d in {o.name: o for _, o in ROWS}["hidden_layer_sizes"].domain.domains if isinstance(d, ListOf))
    assert [1] * MOST_LAYERS in layers
    assert [1] * (MOST_LAYERS + 1) not in layers


def test_ensembles_and_encoders_of_ones_own_have_the_same_bounds():
    for name, most in (("n_members", MOST_MEMBERS), ("n_jobs", 1024), ("random_state", 2**32 - 1)):
        BPEnsembleRegressor(**{name: most})._check_options()
        for value in (most + 1, *BEYOND.values()):
            with pytest.raises(InvalidParameterError, match=f"'{name}' parameter .*<= {most}"):
                BPEnsembleRegressor(**{name: value}).fit(X, Y)
    with pytest.raises(InvalidParameterError, match=">= -1024"):
        BPEnsembleRegressor(n_jobs=-1025).fit(X, Y)
    with pytest.raises(InvalidParameterError, match=r"'n_bins' parameter .*<= 10000\. Got 1000000000 instead"):
        PiecewiseLinearEncoder(n_bins=10**9).fit(X)
