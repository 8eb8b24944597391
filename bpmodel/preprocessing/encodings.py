"""The tables of encodings for numbers and for categories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from bpmodel.preprocessing.piecewise import PiecewiseLinearEncoder
from bpmodel.preprocessing.quantile import NormalScores
from bpmodel.preprocessing.range_scaler import RangeScaler
from bpmodel.preprocessing.smooth_clip import SmoothClipScaler


class Encoding(NamedTuple):
    """One encoding; `build` takes an object with the preprocessing options and returns a transformer for filled columns."""

    meaning: str
    build: Callable[[Any], Any]


NUMERIC = {
    "standard": Encoding("subtract the mean, divide by the standard deviation", lambda options: StandardScaler()),
    "minmax": Encoding(
        "map the range of the rows of fit to [-1, 1], as MATLAB's mapminmax does; a constant column becomes 0",
        lambda options: RangeScaler(),
    ),
    "robust": Encoding(
        "subtract the median, divide by the interquartile range, then clip smoothly to (-3, 3), as in RealMLP (Holzmueller et "
        "al., 2024)",
        lambda options: SmoothClipScaler(),
    ),
    "quantile": Encoding(
        "the normal score of the value's rank; equal values share a rank", lambda options: NormalScores()
    ),
    "piecewise": Encoding(
        "`n_bins` outputs: how far the value has passed through each bin between quantiles (Gorishniy et al., 2022)",
        lambda options: PiecewiseLinearEncoder(options.n_bins),
    ),
    "none": Encoding("unchanged", lambda options: FunctionTransformer(feature_names_out="one-to-one")),
}


def _onehot(options: Any) -> Any:
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=options.max_categories,
        sparse_output=False,
        dtype=np.float32,
    )


def _ordinal(options: Any) -> Any:
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, max_categories=options.max_categories
    )
    return make_pipeline(encoder, StandardScaler())


CATEGORICAL = {
    "onehot": Encoding("one column of 0 and 1 per level; a new level counts as a rare one", _onehot),
    "ordinal": Encoding(
        "the index of the level in alphabetical order, or -1 for a new level, scaled to mean 0 and variance 1", _ordinal
    ),
}
