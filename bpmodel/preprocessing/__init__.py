"""scikit-learn transformers that turn raw columns of mixed types into numbers that a network learns well from."""

from bpmodel.preprocessing.piecewise import PiecewiseLinearEncoder
from bpmodel.preprocessing.quantile import NormalScores
from bpmodel.preprocessing.range_scaler import RangeScaler
from bpmodel.preprocessing.smooth_clip import SmoothClipScaler
from bpmodel.preprocessing.table import TablePreprocessor
from bpmodel.preprocessing.target import TargetTransformer

__all__ = [
    "NormalScores",
    "PiecewiseLinearEncoder",
    "RangeScaler",
    "SmoothClipScaler",
    "TablePreprocessor",
    "TargetTransformer",
]
