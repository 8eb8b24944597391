"""Scores and values as people read them: an error of 53.7 is 53.7, though the scorer says -53.7."""

from __future__ import annotations

from typing import Any

from search.space.dimensions import label

LARGE, HUGE = 1e4, 1e15
"""Numbers between these are written with all their digits before the point."""

ROUNDING = 1e-12
"""Rounding errors are smaller than this share of the numbers whose difference they are in."""


SHORT = {
    "neg_root_mean_squared_error": "RMSE",
    "neg_root_mean_squared_log_error": "RMSLE",
    "neg_mean_squared_error": "MSE",
    "neg_mean_squared_log_error": "MSLE",
    "neg_mean_absolute_error": "MAE",
    "neg_mean_absolute_percentage_error": "MAPE",
    "neg_median_absolute_error": "median absolute error",
    "neg_max_error": "max error",
    "neg_mean_poisson_deviance": "Poisson deviance",
    "neg_mean_gamma_deviance": "gamma deviance",
    "neg_brier_score": "Brier score",
    "neg_log_loss": "log loss",
    "r2": "R²",
    "d2_absolute_error_score": "D²",
    "f1": "F1",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "f1_weighted": "weighted F1",
    "roc_auc": "ROC AUC",
    "roc_auc_ovr": "ROC AUC",
    "roc_auc_ovo": "ROC AUC",
    "matthews_corrcoef": "MCC",
}
"""Metrics as people call them, where that is shorter than their name or has capitals."""


def short(scoring: str) -> str:
    """Return the metric's name in a few characters.

    >>> short("neg_root_mean_squared_error"), short("accuracy"), short("balanced_accuracy")
    ('RMSE', 'accuracy', 'balanced accuracy')
    """
    return SHORT.get(scoring) or metric(scoring)[0]


def metric(scoring: str) -> tuple[str, int]:
    """Return the metric's name for readers, and the sign that converts a score to it.

    >>> metric("neg_root_mean_squared_error")
    ('root mean squared error', -1)
    >>> metric("accuracy")
    ('accuracy', 1)
    """
    return scoring.removeprefix("neg_").replace("_", " "), -1 if scoring.startswith("neg_") else 1


def number(value: Any, beside: float = 0.0) -> str:
    """Format a value in a few characters; it is 0 if it is a rounding error of a number `beside` it.

    >>> number(0.00123456), number([64, 32]), number("relu"), number(53.347)
    ('0.00123', '64-32', 'relu', '53.35')
    >>> number(33251.7), number(1.2e17)
    ('33,252', '1.2e+17')
    >>> number(2.22e-17), number(2.22e-17, beside=0.96)
    ('2.22e-17', '0')
    """
    if isinstance(value, float):
        value = 0.0 if abs(value) < ROUNDING * abs(beside) else value
        value += 0.0  # -0.0 becomes 0.0
        if LARGE <= abs(value) < HUGE:
            return f"{value:,.0f}"
        return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3g}"
    if isinstance(value, list | tuple):
        return "-".join(map(str, value)) or "none"
    return label(value)


def p_value(p: float) -> str:
    """Format a p-value: with three digits where they decide, with two elsewhere.

    >>> p_value(0.0004), p_value(0.0312), p_value(0.2871), p_value(1.0)
    ('< 0.001', '0.031', '0.29', '1.00')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_said(p: float) -> str:
    """Format a p-value for a sentence.

    >>> p_said(0.0004), p_said(0.0312)
    ('p < 0.001', 'p = 0.031')
    """
    told = p_value(p)
    return f"p {told}" if told.startswith("<") else f"p = {told}"
