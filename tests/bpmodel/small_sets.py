"""The two small sets on which faulty and healthy fits are made, standardized unless a fault is asked for."""

from sklearn.datasets import load_digits, make_friedman1
from sklearn.preprocessing import StandardScaler


def friedman(input_factor=1.0, target_factor=1.0, target_shift=0.0):
    X, y = make_friedman1(350, 10, noise=1.0, random_state=0)
    X = StandardScaler().fit_transform(X)
    return X * input_factor, (y - y.mean()) / y.std() * target_factor + target_shift


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]
