"""Each finding is made of a table that asks for it, and not of one just below its limit."""

import uuid

import numpy as np
import pandas as pd
import pytest

from search.profiling.findings import FINDINGS
from search.profiling.naming import like_an_identifier

N = 400


def changes(finding) -> list[tuple]:
    return [(change.table, change.key, change.value, change.active) for change in finding.changes]


def left_out(name: str, active: bool = True) -> list[tuple]:
    return [("data", "drop", [name], active)]


def integers(n: int, places: int) -> np.ndarray:
    """Return different whole numbers from a range of so many, its ends included, in any order."""
    random = np.random.default_rng(0)
    inner = random.choice(np.arange(1, places - 1), n - 2, replace=False)
    return random.permutation([0, places - 1, *inner]) + 7


def test_nothing_is_found_in_a_plain_table(find, plain):
    assert find(plain.drop(columns="y"), plain.y) == {}


def test_codes_are_different():
    codes = [code for kind in FINDINGS for code in kind.codes]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("values", "told"),
    [([1] * N, '"k" is 1 in every row'), (["x"] * N, '"k" is "x" in every row'), ([None] * N, '"k" has no value')],
)
def test_constants(find, plain, values, told):
    (finding,) = find(plain.drop(columns="y").assign(k=values), plain.y)["constant"]
    assert told in finding.sentence
    assert changes(finding) == left_out("k")


def test_one_value_and_gaps_are_no_constant(find, plain):
    assert find(plain.drop(columns="y").assign(k=np.where(plain.a > 1, 1.0, np.nan)), plain.y) == {}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.arange(1, N + 1), "from 1 to 400"),
        (np.arange(N), "from 0 to 399"),
        (np.arange(N)[::-1], "from 0 to 399"),
        (np.random.default_rng(0).permutation(N) + 1.0, "from 1 to 400, in another order"),
    ],
)
def test_a_column_that_counts_the_rows_bug(find, plain, values, told):
    """`Unnamed: 0` and `Id` were features; of a table that is sorted by the target, they give it away."""
    table = plain.sort_values("y")
    (finding,) = find(table.drop(columns="y").assign(k=values), table.y.to_numpy())["row_number"]
    assert finding.sentence == f'"k" counts the rows {told}'
    assert changes(finding) == left_out("k")


@pytest.mark.parametrize(("n", "found"), [(19, False), (20, True)])
def test_few_numbers_that_count_are_no_evidence(find, n, found):
    random = np.random.default_rng(0)
    assert ("row_number" in find({"x": random.normal(size=n), "k": np.arange(n)}, random.normal(size=n))) is found


def test_a_time_does_not_count_the_rows(find, plain):
    assert "row_number" not in find(plain.drop(columns="y").assign(week=np.arange(N)), plain.y)


@pytest.mark.parametrize(
    ("name", "places", "found"),
    [("k", 4000, True), ("k", 4001, False), ("k_id", 4_000_000, True), ("编号", 4_000_000, True), ("kid", 4001, False)],
)
def test_whole_numbers_that_were_given_out(find, plain, name, places, found):
    """400^2 / (2 x 4000) is the limit of 20; a name decides where the values do not."""
    told = find(plain.drop(columns="y").assign(**{name: integers(N, places)}), plain.y)
    assert ("identifier" in told) is found
    if found:
        assert changes(told["identifier"][0]) == left_out(name)


def test_numbers_in_steps_were_given_out(find, plain):
    told = find(plain.drop(columns="y").assign(k=1000 * integers(N, 500)), plain.y)
    assert "another whole number in each row" in told["identifier"][0].sentence


def test_fractions_that_are_all_different_are_amounts(find, plain):
    assert find(plain.drop(columns="y").assign(id=integers(N, 500) + 0.5), plain.y) == {}


def test_numbers_too_large_to_be_whole_are_amounts(find, plain):
    """As floats, all numbers from 2^53 on are whole."""
    assert find(plain.drop(columns="y").assign(k_id=plain.c[::-1].to_numpy() * 1e30), plain.y) == {}


def test_codes_that_are_all_different(find, plain):
    random = np.random.default_rng(0)
    codes = [str(uuid.UUID(bytes=random.bytes(16))) for _ in range(N)]
    (finding,) = find(plain.drop(columns="y").assign(k=codes), plain.y)["identifier"]
    assert finding.sentence == f'"k" has another code in each row, such as "{codes[0]}"'
    assert changes(finding) == left_out("k")


@pytest.mark.parametrize(
    ("name", "kind", "doubled", "found"),
    [
        ("name", "category", 0, True),
        ("name", "category", 1, False),
        ("name", "text", 40, True),
        ("name", "text", 41, False),
        ("customerID", "category", 40, True),
    ],
)
def test_texts_that_tell_rows_apart(find, plain, name, kind, doubled, found):
    """All different; or 90 percent of them, if they are texts or called an identifier."""
    random = np.random.default_rng(3)
    texts = random.permutation([f"{0 if i <= doubled else i} Main St" for i in range(N)])
    told = find(plain.drop(columns="y").assign(**{name: texts}), plain.y, **{name: kind})
    assert ("identifier" in told) is found


def test_a_column_that_equals_another(find, plain):
    X = plain.drop(columns="y").assign(again=plain.a, other=plain.town)
    found = find(X, plain.y)["copy"]
    assert [finding.sentence for finding in found] == [
        '"again" equals "a" in every row',
        '"other" equals "town" in every row',
    ]
    assert changes(found[0]) == left_out("again")


@pytest.mark.parametrize("names", [(3, 1, 2), ("z", "x", "y")])
def test_levels_under_other_names(find, plain, names):
    """The second names are in the order of the first: the codes of the levels are equal."""
    X = plain.drop(columns="y").assign(code=plain.town.map(dict(zip(("Ulm", "Bonn", "Jena"), names, strict=True))))
    (finding,) = find(X, plain.y)["near_copy"]
    assert '"code" has one value for each value of "town"' in finding.sentence
    assert changes(finding) == left_out("code", active=False)


def test_a_linear_image_has_the_same_gaps(find, apart):
    one, other = apart(0.9999999)
    y = np.random.default_rng(0).normal(size=N)
    holes = np.abs(one) < 0.003
    assert 5 < holes.sum() < 40
    for gaps, found in ((holes, True), (holes & (one > 0), False)):
        X = {"one": np.where(holes, np.nan, one), "other": np.where(gaps, np.nan, other)}
        assert ("near_copy" in find(X, y)) is found


@pytest.mark.parametrize(("n", "found"), [(19, False), (20, True)])
def test_columns_of_few_rows_may_be_equal_by_chance(find, n, found):
    a = [i % 3 for i in range(n)]
    assert ("copy" in find({"a": a, "b": a}, np.random.default_rng(0).normal(size=n))) is found


@pytest.mark.parametrize(("levels", "found"), [(200, True), (201, False)])
def test_columns_with_more_levels_than_half_of_the_rows_are_no_renamed_ones(find, plain, levels, found):
    key = np.random.default_rng(0).permutation(np.arange(N) % levels)
    X = plain.drop(columns="y").assign(k=[f"K{i}" for i in key], m=(key * 7) ** 3)
    assert ("near_copy" in find(X, plain.y)) is found


@pytest.mark.parametrize(("correlation", "found"), [(0.99989, False), (0.99991, True), (-0.99991, True)])
def test_a_linear_image_of_another_column(find, apart, correlation, found):
    one, other = apart(correlation)
    told = find({"one": one, "other": 5 + 3 * other}, np.random.default_rng(0).normal(size=N))
    assert ("near_copy" in told) is found
    if found:
        assert changes(told["near_copy"][0]) == left_out("other", active=False)


@pytest.mark.parametrize(("copies", "found"), [(3, False), (4, True)])
def test_repeated_rows(find, plain, copies, found):
    table = plain.copy()
    table.iloc[-copies:] = table.iloc[:copies]
    told = find(table.drop(columns="y"), table.y)
    assert set(told) == ({"repeated_rows"} if found else set())
    if found:
        assert told["repeated_rows"][0].sentence.startswith("4 rows (1 %) repeat an earlier row, target included")


@pytest.mark.parametrize(("pairs", "found"), [(1, False), (2, True)])
def test_rows_that_contradict_each_other(find, plain, pairs, found):
    X = plain.drop(columns="y")
    X.iloc[-pairs:] = X.iloc[:pairs]
    told = find(X, plain.y)
    assert set(told) == ({"contradicting_rows"} if found else set())
    if found:
        assert told["contradicting_rows"][0].sentence.startswith("4 rows (1 %) have the features of another row")


def test_rows_that_differ_in_their_time_alone_do_not_contradict_each_other(find):
    """A column of times settles what its finding says; it is still a feature, and tells rows apart."""
    times = pd.date_range("2024-01-01", periods=400, freq="h")
    told = find({"at": times, "temp": np.arange(400) % 7}, np.sin(np.arange(400) / 9))
    assert "time" in told
    assert "contradicting_rows" not in told


def test_rows_are_compared_without_their_numbers(find, plain):
    table = plain.copy()
    table.iloc[-9:] = table.iloc[:9]
    assert set(find(table.drop(columns="y").assign(Id=np.arange(N)), table.y)) == {"row_number", "repeated_rows"}


def persons(n_keys: int = 40, spread: float = 0.0, fixed: int = 2) -> tuple[pd.DataFrame, np.ndarray]:
    """Return ten rows for each person, with so many properties of the person, and two of the visit."""
    random = np.random.default_rng(5)
    key = random.permutation(np.repeat(np.arange(n_keys), 10))
    own = random.normal(size=(n_keys, 3))
    X = {f"fixed{i}": own[key, i] + spread * random.normal(size=len(key)) for i in range(fixed)}
    X |= {f"visit{i}": random.normal(size=len(key)) for i in range(2)}
    return pd.DataFrame({"person": [f"P{k}" for k in key], **X}), own[key, 2] + random.normal(size=len(key))


def test_rows_of_a_person_stay_together(find):
    (finding,) = find(*persons())["group"]
    assert finding.sentence.startswith('"person" has 40 values with 10 rows each, whose rows agree in 2 other columns')
    assert changes(finding) == [("cv", "group", "person", True)]


@pytest.mark.parametrize(("n_keys", "found"), [(19, False), (20, True)])
def test_few_groups_may_be_levels(find, n_keys, found):
    assert ("group" in find(*persons(n_keys))) is found


@pytest.mark.parametrize(("spread", "found"), [(0.2, True), (0.26, False)])
def test_what_is_nearly_constant_within_a_group(find, spread, found):
    """The share between is 1 / (1 + spread^2): 0.96, 0.937; the limit is 0.95."""
    assert ("group" in find(*persons(200, spread))) is found


def test_one_column_that_is_constant_within_is_no_group(find):
    X, y = persons(fixed=1)
    assert "group" not in find(X, y)
    (finding,) = find(X.rename(columns={"person": "person_id"}), y)["group"]
    assert changes(finding) == [("cv", "group", "person_id", False)]


def test_half_of_the_other_columns_and_two_are_properties_of_a_group(find):
    X, y = persons(fixed=1)
    assert "group" not in find(X.drop(columns="visit0"), y)
    X, y = persons(fixed=2)
    more = np.random.default_rng(8).normal(size=len(y))
    assert "group" not in find(X.assign(visit3=more), y)


def test_a_group_has_no_gaps(find):
    X, y = persons()
    X.loc[3, "person"] = None
    assert "group" not in find(X, y)


@pytest.mark.parametrize(("keys", "found"), [(200, True), (201, False)])
def test_a_group_has_two_rows_or_more(find, plain, keys, found):
    key = np.random.default_rng(0).permutation(np.arange(N) % keys)
    own = np.random.default_rng(1).normal(size=(keys, 2))
    X = {"person": [f"P{i}" for i in key], "a": own[key, 0], "b": own[key, 1], "c": plain.c}
    assert ("group" in find(X, plain.y)) is found


@pytest.mark.parametrize(("noise", "found"), [(0.85, True), (1.15, False)])
def test_rows_of_a_store_that_are_similar(find, noise, found):
    """The share between is 1 / (1 + noise^2): 0.58, 0.43; the limit is 0.5."""
    random = np.random.default_rng(6)
    key, own = random.permutation(np.repeat(np.arange(100), 10)), random.normal(size=(100, 4))
    rows = own[key] + noise * random.normal(size=(1000, 4))
    told = find(
        pd.DataFrame(rows[:, :3], columns=list("abc")).assign(place=[f"S{k}" for k in key]), rows[:, 3] * (1 + found)
    )
    assert ("group" in told) is found
    if found:
        assert changes(told["group"][0]) == [("cv", "group", "place", False)]


@pytest.mark.parametrize(("rare", "found"), [(39, True), (40, False)])
@pytest.mark.parametrize(
    ("labels", "scoring", "weights"),
    [
        ((0, 1), "average_precision", False),
        (("no", "yes"), "average_precision", False),
        ((False, True), "average_precision", False),
        (("negative", "Positive"), "average_precision", False),
        ((2, 1), "balanced_accuracy", True),  # 2 is the positive class
        (("yes", "no"), "balanced_accuracy", True),
        (("cat", "dog"), "balanced_accuracy", True),
    ],
)
def test_a_rare_class_bug(find, plain, rare, found, labels, scoring, weights):
    """Accuracy was proposed, and the best trials were as good as the dummy predictor."""
    y = np.array([labels[0]] * (N - rare) + [labels[1]] * rare)
    told = find(plain.drop(columns="y"), y, "classification")
    assert ("rare_class" in told) is found
    if found:
        (finding,) = told["rare_class"]
        assert changes(finding) == [("cv", "scoring", scoring, True), ("model", "class_weight", "balanced", weights)]
        assert "39 rows (10 %); accuracy is 90 % without finding it" in finding.sentence


def test_class_1_is_not_always_the_rare_one(find, plain):
    told = find(plain.drop(columns="y"), [1] * 390 + [0] * 10, "classification")
    assert changes(told["rare_class"][0])[0] == ("cv", "scoring", "balanced_accuracy", True)


def test_class_1_of_three_is_not_the_positive_one(find, plain):
    told = find(plain.drop(columns="y"), [0] * 195 + [2] * 195 + [1] * 10, "classification")
    assert changes(told["rare_class"][0])[0] == ("cv", "scoring", "balanced_accuracy", True)


@pytest.mark.parametrize(("rare", "found"), [(7, True), (8, False)])
def test_of_many_classes_a_fifth_of_an_even_share_is_rare(find, plain, rare, found):
    y = np.r_[np.arange(N - rare) % 9, [9] * rare]
    assert ("rare_class" in find(plain.drop(columns="y"), y, "classification")) is found


@pytest.mark.parametrize(
    ("rows", "expected"), [(5, None), (4, [("cv", "n_splits", 4, True)]), (2, [("cv", "n_splits", 3, True)])]
)
def test_a_class_with_fewer_rows_than_folds(find, plain, rows, expected):
    told = find(
        plain.drop(columns="y"), ["a", "b"] * ((N - rows) // 2) + ["b"] * (rows % 2) + ["c"] * rows, "classification"
    )
    assert ("small_class" in told) is (expected is not None)
    if expected:
        assert changes(told["small_class"][0]) == expected
        assert f'class "c" has {rows} rows: fewer than there are folds (5)' in told["small_class"][0].sentence


def test_levels_without_rows_are_no_classes(find, plain):
    y = pd.Categorical(["a", "b"] * (N // 2), categories=["a", "b", "c"])
    assert find(plain.drop(columns="y"), y, "classification") == {}


def test_there_are_not_more_folds_than_rows_of_the_largest_class(find, plain):
    told = find(plain.head(8).drop(columns="y"), [*"aaab", *"ccdd"], "classification")
    assert changes(told["small_class"][0]) == [("cv", "n_splits", 3, True)]
    told = find(plain.head(8).drop(columns="y"), [*"aabb", *"ccdd"], "classification")
    assert changes(told["small_class"][0]) == [("cv", "n_splits", 2, True)]


@pytest.mark.parametrize(("skewness", "found"), [(1.99, False), (2.01, True)])
def test_a_skewed_target(find, plain, skewness, found):
    """A power of evenly spread numbers, with the exponent that has this skewness."""
    spread = np.random.default_rng(0).permutation(np.linspace(0, 1, N))
    low, high = 1.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if pd.Series(spread**middle).skew() < skewness else (low, middle)
    told = find(plain.drop(columns="y"), spread**low)
    assert ("skewed_target" in told) is found
    if found:
        assert changes(told["skewed_target"][0]) == [("preprocessing", "target_transform", "log", False)]
    assert "skewed_target" not in find(plain.drop(columns="y"), spread**low - 0.1)


@pytest.mark.parametrize(("n", "found"), [(20, False), (21, True)])
def test_a_target_of_few_values_is_not_skewed(find, plain, n, found):
    target = np.zeros(N)
    target[:n] = np.arange(n) ** 4
    assert pd.Series(target).skew() > 2
    assert ("skewed_target" in find(plain.drop(columns="y"), target)) is found


@pytest.mark.parametrize(("ranges", "found"), [(9.99, False), (10.01, True)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_target_value_far_out(find, plain, ranges, found, sign):
    y = np.random.default_rng(0).permutation(np.arange(N) / 4)
    low, high = np.quantile(y, [0.25, 0.75])
    y[y.argmax() if sign > 0 else y.argmin()] = (high if sign > 0 else low) + sign * ranges * (high - low)
    told = find(plain.drop(columns="y"), y)
    assert ("outlier" in told) is found
    if found:
        assert changes(told["outlier"][0]) == [("model", "loss", "huber", False)]
        assert told["outlier"][0].sentence.startswith("1 target value lies far out, such as ")


@pytest.mark.parametrize(("zeros", "found"), [(119, False), (120, True)])
def test_a_target_that_is_often_zero(find, plain, zeros, found):
    y = np.random.default_rng(0).permutation(np.r_[np.zeros(zeros), 1 + np.arange(N - zeros) / 7])
    told = find(plain.drop(columns="y"), y)
    assert ("zeros" in told) is found
    if found:
        assert told["zeros"][0].sentence.startswith("the target is 0 in 120 rows (30 %)")


def test_rows_without_a_target_bug(find, plain):
    """init did not say so, and tune stopped."""
    (finding,) = find(plain.drop(columns="y"), plain.y.where(plain.y < 2))["missing_target"]
    count = int((plain.y >= 2).sum())
    assert finding.sentence.startswith(f"{count} rows ({100 * count / N:.0f} %) without a target will be left out")


@pytest.mark.parametrize(("rows", "found"), [(99, True), (100, False)])
def test_few_rows(find, plain, rows, found):
    table = plain.head(rows)
    told = find(table.drop(columns="y"), table.y)
    assert ("few_rows" in told) is found
    if found:
        assert changes(told["few_rows"][0]) == [("cv", "repeats", 3, True)]


def test_fewer_rows_than_folds(find, plain):
    table = plain.head(4)
    assert changes(find(table.drop(columns="y"), table.y)["few_rows"][0])[1] == ("cv", "n_splits", 4, True)


@pytest.mark.parametrize(("columns", "found"), [(30, False), (31, True)])
def test_more_columns_than_rows(find, columns, found):
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(30, columns))).rename(columns=str)
    assert ("wide" in find(X, random.normal(size=30))) is found


def test_a_table_keeps_a_column(find):
    """Of a table with nothing but a row number, it is the feature."""
    (finding,) = find({"Id": np.arange(N)}, np.random.default_rng(0).normal(size=N))["row_number"]
    assert changes(finding) == left_out("Id", active=False)


def test_rows_of_groups_are_not_split_again(find):
    X, y = persons(9)
    assert "few_rows" in find(X, y)
    X, y = persons(20)
    table = find(X.groupby("person").head(4), y[X.groupby("person").head(4).index])
    assert changes(table["group"][0]) == [("cv", "group", "person", True)]
    assert changes(table["few_rows"][0]) == [("cv", "repeats", 3, False)]


@pytest.mark.parametrize(
    ("sentinel", "times", "spread", "found"),
    [
        (-999, 2, 100, True),
        (-999, 1, 100, False),
        (-999, 2, 998, True),
        (-999, 2, 999, False),
        (9999, 2, 4999, True),
        (9999, 2, 5000, False),
        (-998.5, 2, 100, False),
    ],
)
def test_a_number_that_means_missing(find, sentinel, times, spread, found):
    """Values of -999 were features like any other."""
    values = np.concatenate([[sentinel] * times, np.linspace(0, spread, 400 - times)])
    told = find(
        {"a": values, "b": np.random.default_rng(0).normal(size=400)}, np.random.default_rng(1).normal(size=400)
    )
    assert ("sentinel" in told) is found
    if found:
        (finding,) = told["sentinel"]
        assert changes(finding) == [("data", "na_values", ["", "NA", f"{sentinel}"], False)]


@pytest.mark.parametrize(("times", "found"), [(3, False), (4, True)])
def test_a_frequent_negative_number_may_mean_missing(find, times, found):
    values = np.linspace(0, 3000, 400)
    values[:times] = -200
    told = find({"co": values, "no": values[::-1]}, np.random.default_rng(1).normal(size=400))
    assert ("sentinel" in told) is found
    if found:
        assert told["sentinel"][0].columns == ("co", "no")


@pytest.mark.parametrize(
    "name", ["subject#", "subject", "Store", "machine", "unit_number", "patient_nbr", "Customer", "sensor_1", "school"]
)
def test_names_of_groups(name):
    """The best-known grouped tables had names that were not known."""
    assert like_an_identifier(name)


def test_numbers_that_are_called_a_time_must_be_in_order(find):
    """A temperature called T24 was said to order the rows in time."""
    values = np.random.default_rng(0).permutation(400) / 7
    assert "time" not in find({"T24": values, "b": values[::-1]}, values + np.random.default_rng(1).normal(size=400))
    assert "time" in find({"T24": np.sort(values), "b": values}, np.sin(np.arange(400) / 9))


def test_dates_whose_order_is_open_are_not_left_out(find):
    days = [f"{1 + i % 12:02}/{1 + i // 12 % 12:02}/20{i // 144:02}" for i in range(400)]
    days[0], days[1] = days[1], days[0]
    told = find({"at": days, "b": np.random.default_rng(0).normal(size=400)}, np.random.default_rng(1).normal(size=400))
    assert "identifier" not in told


@pytest.mark.parametrize(("low", "high", "found"), [(1e9, 1e10, True), (1e8, 1e9, False), (9e8, 1e10, False)])
def test_long_numbers_of_one_length_are_given_out(find, low, high, found):
    """Numbers of phones and insurances were amounts."""
    values = np.random.default_rng(0).integers(int(low), int(high), 400)
    values[0] = int(low)
    told = find(
        {"Mobile": values, "b": np.random.default_rng(1).normal(size=400)}, np.random.default_rng(2).normal(size=400)
    )
    assert ("identifier" in told) is found
