"""Random numbers of the compiled loop: statistics of dropout, input noise and shuffling, and the masks drawn twice."""

import numpy as np
import pytest
import scipy.sparse
from scipy import stats

from bpmodel.compiler.kernels import kernel
from bpmodel.functions.random import add_normal, drop, hashed, next_number, shuffle, undrop

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DTYPES = [np.float32, np.float64]
KEYS = [0, 1, 77, 2**31 - 1]

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_rate = pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])


@kernel
def dropped(a, rate, key):
    drop(a, rate, key)
    return a


@kernel
def undropped(delta, a, rate, key):
    undrop(delta, a, rate, key)


@kernel
def noisy(a, std, key):
    add_normal(a, std, key)
    return a


@kernel
def shuffled(index, random):
    shuffle(index, random)
    return index


@kernel
def drawn(random):
    return next_number(random)


@kernel
def bits(place, key):
    return hashed(place, key)


def key_of(number):
    return np.int64(number)


# ------------------------------------------------------------------------------------------------ the generators


def lowbias32(x):
    """Wellons (2018), in whole numbers of any length."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> shift)) * factor % 2**32
    return x ^ (x >> 16)


@pytest.mark.parametrize("key", KEYS)
def test_hashed_bits_are_lowbias32(key):
    """The places are spread by the golden ratio first."""
    for place in (0, 1, 2, 1000, 2**32 - 1):
        assert bits(np.uint32(place), np.uint32(key)) == lowbias32((place * 0x9E3779B9 % 2**32) ^ key)


def xorshift64star(x):
    """Vigna (2016): the next state, and the number that it gives."""
    x ^= x >> 12
    x = (x ^ (x << 25)) % 2**64
    x ^= x >> 27
    return x, x * 0x2545F4914F6CDD1D % 2**64


def test_the_generator_is_xorshift64star():
    state, x = np.array([12345], dtype=np.uint64), 12345
    for _ in range(20):
        x, expected = xorshift64star(x)
        assert drawn(state) == expected
        assert state[0] == x


def test_shuffling_is_fisher_and_yates_with_lemires_multiplication():
    state, x, order = np.array([999], dtype=np.uint64), 999, list(range(50))
    for i in range(49, 0, -1):
        x, number = xorshift64star(x)
        j = (number >> 32) * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
    np.testing.assert_array_equal(shuffled(np.arange(50), state), order)
    assert state[0] == x


def test_noise_is_that_of_box_and_muller():
    key, std = 7, 0.3
    noise = noisy(np.zeros((3, 5)), std, key_of(key))
    for i, j in np.ndindex(3, 5):
        place = 2 * (i * 6 + j // 2 * 2)
        a, b = (lowbias32((p * 0x9E3779B9 % 2**32) ^ key) for p in (place, place + 1))
        radius, angle = np.sqrt(-2 * np.log((a + 1) / 2**32)), 2 * np.pi * b / 2**32
        np.testing.assert_allclose(noise[i, j], std * radius * (np.sin(angle) if j % 2 else np.cos(angle)), atol=1e-14)


# ------------------------------------------------------------------------------------------------------- dropout


@every_dtype
@every_rate
def test_dropout_keeps_a_share_and_the_mean(rate, dtype):
    ones = dropped(np.ones((400, 250), dtype), rate, key_of(5))
    assert set(np.unique(ones)) == {dtype(0), dtype(1 / (1 - rate))}
    sigma = np.sqrt(rate * (1 - rate) / ones.size)
    assert abs(np.mean(ones == 0) - rate) < 4 * sigma
    for axis in (0, 1):  # no row and no unit is favored
        share = (ones == 0).mean(axis=axis)
        assert abs(share.std() / np.sqrt(rate * (1 - rate) / ones.shape[axis]) - 1) < 0.15


def test_masks_are_reproducible_and_differ_from_key_to_key():
    masks = [dropped(np.ones((50, 40)), 0.5, key_of(key)) > 0 for key in (7, 7, 8, 9, 1007)]
    np.testing.assert_array_equal(masks[0], masks[1])
    for i in range(1, 5):
        for j in range(i):
            if (i, j) != (1, 0):
                assert 0.45 < np.mean(masks[i] == masks[j]) < 0.55, "half of the places agree by chance"


@every_dtype
@every_rate
def test_undrop_finds_the_same_mask(rate, dtype):
    a = np.random.default_rng(0).uniform(1, 2, (9, 7)).astype(dtype)
    thinned, delta = dropped(a.copy(), rate, key_of(3)), np.ones((9, 7), dtype)
    kept = thinned > 0
    undropped(delta, thinned, rate, key_of(3))
    np.testing.assert_allclose(delta, kept / (1 - rate), rtol=1e-6)
    np.testing.assert_allclose(thinned, np.where(kept, a, 0), rtol=1e-6)


def test_dropout_does_not_hide_nan():
    assert np.isnan(dropped(np.full((20, 20), np.nan), 0.5, key_of(0))).all()


@pytest.mark.parametrize("key", KEYS)
def test_hashed_bits_are_balanced_and_uniform(key):
    numbers = np.array([bits(place, key_of(key)) for place in range(20_000)], dtype=np.uint32)
    assert len(np.unique(numbers)) > 19_900
    assert stats.kstest(numbers / 2**32, "uniform").pvalue > 1e-3
    ones = (numbers[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    np.testing.assert_allclose(ones.mean(axis=0), 0.5, atol=0.02)


# --------------------------------------------------------------------------------------------------------- noise


@every_dtype
@pytest.mark.parametrize("key", KEYS)
def test_noise_is_normal_and_uncorrelated(key, dtype):
    noise = noisy(np.zeros((4000, 5), dtype), 1.0, key_of(key))  # an odd number of columns: the last one stands alone
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
    np.testing.assert_allclose(np.corrcoef(noise.T), np.eye(5), atol=0.07)
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.03


def test_noise_is_added_at_its_scale_and_reproducible():
    X = np.random.default_rng(0).normal(size=(300, 4))
    once, twice = (noisy(X.copy(), 0.3, key_of(4)) for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    np.testing.assert_allclose((once - X).std(), 0.3, rtol=0.05)
    np.testing.assert_allclose((once - X) / 0.3, noisy(np.zeros_like(X), 1.0, key_of(4)), atol=1e-12)


# ------------------------------------------------------------------------------------------------------- shuffle


def test_shuffled_rows_are_the_same_rows_in_every_order_alike():
    state, counts = np.array([12345], dtype=np.uint64), {}
    for _ in range(4800):
        order = tuple(shuffled(np.arange(4), state).tolist())
        assert sorted(order) == [0, 1, 2, 3]
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_the_generator_goes_on():
    state = np.array([12345], dtype=np.uint64)
    first, second = (shuffled(np.arange(100), state) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(shuffled(np.arange(100), np.array([12345], dtype=np.uint64)), first)


# ----------------------------------------------------------------------------------------------- in an estimator


@pytest.mark.parametrize("noise", [{"dropout": 0.4}, {"input_noise": 0.5}])
def test_every_step_draws_new_noise_and_predictions_draw_none(problems, noise):
    """With steps too short to matter the losses of the epochs differ by their noise alone."""
    X, y, cls, _ = problems["regression"]
    still = {"learning_rate_init": 1e-12, "max_iter": 30, "n_iter_no_change": 30, "random_state": 0}
    model, plain = cls(**still, **noise).fit(X, y), cls(**still).fit(X, y)
    assert len(np.unique(model.loss_curve_)) == 30
    np.testing.assert_allclose(plain.loss_curve_, plain.loss_curve_[0], rtol=1e-6)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-5, atol=1e-6)


def test_noise_adds_its_share_to_the_loss_of_a_linear_model(problems):
    """With weights w and noise of deviation s the squared error grows by s^2 w'w."""
    X, y, cls, _ = problems["regression"]
    model = cls(hidden_layer_sizes=(), input_noise=0.5, learning_rate_init=1e-12, alpha=0, random_state=0)
    losses = model.set_params(max_iter=400, n_iter_no_change=400).fit(X, y).loss_curve_
    expected = np.mean((model.predict(X) - y) ** 2) / 2 + 0.25 * np.sum(model.coefs_[0] ** 2) / 2
    np.testing.assert_allclose(np.mean(losses), expected, rtol=0.02)


def test_input_noise_needs_dense_rows(problems):
    X, y, cls, _ = problems["regression"]
    with pytest.raises(ValueError, match=r"input_noise=0\.5 needs dense rows"):
        cls(input_noise=0.5).fit(scipy.sparse.csr_array(X), y)
