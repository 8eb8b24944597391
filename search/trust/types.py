"""The types that a stored model may hold: a fixed list, which nothing in a store or a file can lengthen.

skops builds an object from the names of classes and functions in a file, and from their state. Whoever wrote the file chooses
both, and may have each name called with any arguments. A name stands here only if that is harmless: a class that keeps what it
is given, or a function that computes. What skops itself allows comes on top: the public estimators of scikit-learn, and the
dtypes and functions of NumPy and SciPy that map arrays to arrays.
"""

from __future__ import annotations

from collections.abc import Iterable

from search.errors import StudyError


def _names(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


OWN = frozenset().union(
    _names("bpmodel", "Diagnosis Finding Repair Verdict"),
    _names("bpmodel.estimators", "BPClassifier BPRegressor"),
    _names("bpmodel.ensembles", "BPEnsembleClassifier BPEnsembleRegressor"),
    _names("bpmodel.preprocessing.dates", "DateEncoder"),
    _names("bpmodel.preprocessing.piecewise", "PiecewiseLinearEncoder"),
    _names("bpmodel.preprocessing.quantile", "NormalScores"),
    _names("bpmodel.preprocessing.range_scaler", "RangeScaler"),
    _names("bpmodel.preprocessing.smooth_clip", "SmoothClipScaler"),
    _names("bpmodel.preprocessing.table", "TablePreprocessor"),
    _names("bpmodel.preprocessing.target", "TargetTransformer"),
)
"""Classes of this product."""

OLD = frozenset(
    {"bpmodel.monitor.Verdict", "bpmodel.record.Scales", "bpmodel.repair.Repair", "bpmodel.scaling.Scaling"}
)
"""Classes of this product, as models of version 0.1 name them."""

NUMPY = frozenset({"numpy.dtype"})

SKLEARN = frozenset().union(
    _names("sklearn._loss.loss", "HalfTweedieLoss HalfTweedieLossIdentity"),
    _names("sklearn.calibration", "_CalibratedClassifier _SigmoidCalibration"),
    _names("sklearn.feature_selection._univariate_selection", "chi2 f_classif f_regression r_regression"),
    _names("sklearn.feature_selection._mutual_info", "mutual_info_classif mutual_info_regression"),
    _names("sklearn.gaussian_process._gpc", "_BinaryGaussianProcessClassifierLaplace"),
    _names(
        "sklearn.gaussian_process.kernels",
        "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern Product RBF RationalQuadratic Sum "
        "WhiteKernel",
    ),
    _names("sklearn.multiclass", "_ConstantPredictor"),
    _names("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer SGDOptimizer"),
    _names("sklearn.utils._bunch", "Bunch"),
)
"""What scikit-learn's public estimators hold besides what skops allows. Trees and indices of nearest neighbors are left out:
compiled code follows the numbers in them without a check, so that a crafted one reads memory that is not its own."""

TRUSTED = OWN | OLD | NUMPY | SKLEARN


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a class or function in a module.

    >>> is_name("shop.steps.Rounder"), is_name("Rounder"), is_name("os.system(1)")
    (True, False, False)
    """
    parts = text.split(".")
    return len(parts) > 1 and all(part.isidentifier() for part in parts)


def checked(names: Iterable[str], key: str) -> frozenset[str]:
    """Return the names that a user trusts.

    Parameters
    ----------
    names : iterable of str
        Such as ``"shop.steps.Rounder"``.
    key : str
        Where the user has written them, for the message.

    Raises
    ------
    StudyError
        If one is no name of a class or function with its module.

    Examples
    --------
    >>> checked(["Rounder"], "--trust")
    Traceback (most recent call last):
    search.errors.StudyError: --trust 'Rounder'; allowed are names with their module, such as shop.steps.Rounder
    """
    given = [names] if isinstance(names, str) else list(names)
    for name in given:
        if not isinstance(name, str) or not is_name(name):
            raise StudyError(f"{key} {name!r}; allowed are names with their module, such as shop.steps.Rounder")
    return frozenset(given)
