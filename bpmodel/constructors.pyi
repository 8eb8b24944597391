"""Constructors as type checkers see them. `make docs` writes this file from the tables of options."""

from collections.abc import Sequence
from typing import Any

from numpy.random import RandomState
from numpy.typing import NDArray

class RegressorConstructor:
    loss: str
    hidden_layer_sizes: int | Sequence[int] | NDArray[Any]
    activation: str | Sequence[str] | NDArray[Any]
    solver: str
    alpha: float
    batch_size: str | int
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: int | RandomState | None
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: int | float
    max_fun: int
    on_divergence: str
    scale_input: str
    init: str
    init_gain: float
    zero_last_layer: bool
    normalization: str
    dropout: float
    input_noise: float
    l1: float
    weight_decay: float | None
    max_norm: float | None
    ema_decay: float
    clipping: str
    clip_threshold: float | None
    rho: float
    decay_rate: float
    decay_epochs: float
    warmup_epochs: float
    dtype: str
    scale_target: bool
    huber_delta: float
    quantile: float
    def __init__(
        self,
        loss: str = ...,
        hidden_layer_sizes: int | Sequence[int] | NDArray[Any] = ...,
        activation: str | Sequence[str] | NDArray[Any] = ...,
        *,
        solver: str = ...,
        alpha: float = ...,
        batch_size: str | int = ...,
        learning_rate: str = ...,
        learning_rate_init: float = ...,
        power_t: float = ...,
        max_iter: int = ...,
        shuffle: bool = ...,
        random_state: int | RandomState | None = ...,
        tol: float = ...,
        verbose: bool | int = ...,
        warm_start: bool = ...,
        momentum: float = ...,
        nesterovs_momentum: bool = ...,
        early_stopping: bool = ...,
        validation_fraction: float = ...,
        beta_1: float = ...,
        beta_2: float = ...,
        epsilon: float = ...,
        n_iter_no_change: int | float = ...,
        max_fun: int = ...,
        on_divergence: str = ...,
        scale_input: str = ...,
        init: str = ...,
        init_gain: float = ...,
        zero_last_layer: bool = ...,
        normalization: str = ...,
        dropout: float = ...,
        input_noise: float = ...,
        l1: float = ...,
        weight_decay: float | None = ...,
        max_norm: float | None = ...,
        ema_decay: float = ...,
        clipping: str = ...,
        clip_threshold: float | None = ...,
        rho: float = ...,
        decay_rate: float = ...,
        decay_epochs: float = ...,
        warmup_epochs: float = ...,
        dtype: str = ...,
        scale_target: bool = ...,
        huber_delta: float = ...,
        quantile: float = ...,
    ) -> None: ...

class ClassifierConstructor:
    hidden_layer_sizes: int | Sequence[int] | NDArray[Any]
    activation: str | Sequence[str] | NDArray[Any]
    solver: str
    alpha: float
    batch_size: str | int
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: int | RandomState | None
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: int | float
    max_fun: int
    on_divergence: str
    scale_input: str
    init: str
    init_gain: float
    zero_last_layer: bool
    normalization: str
    dropout: float
    input_noise: float
    l1: float
    weight_decay: float | None
    max_norm: float | None
    ema_decay: float
    clipping: str
    clip_threshold: float | None
    rho: float
    decay_rate: float
    decay_epochs: float
    warmup_epochs: float
    dtype: str
    loss: str
    focal_gamma: float
    label_smoothing: float
    class_weight: dict[Any, float] | str | None
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | NDArray[Any] = ...,
        activation: str | Sequence[str] | NDArray[Any] = ...,
        *,
        solver: str = ...,
        alpha: float = ...,
        batch_size: str | int = ...,
        learning_rate: str = ...,
        learning_rate_init: float = ...,
        power_t: float = ...,
        max_iter: int = ...,
        shuffle: bool = ...,
        random_state: int | RandomState | None = ...,
        tol: float = ...,
        verbose: bool | int = ...,
        warm_start: bool = ...,
        momentum: float = ...,
        nesterovs_momentum: bool = ...,
        early_stopping: bool = ...,
        validation_fraction: float = ...,
        beta_1: float = ...,
        beta_2: float = ...,
        epsilon: float = ...,
        n_iter_no_change: int | float = ...,
        max_fun: int = ...,
        on_divergence: str = ...,
        scale_input: str = ...,
        init: str = ...,
        init_gain: float = ...,
        zero_last_layer: bool = ...,
        normalization: str = ...,
        dropout: float = ...,
        input_noise: float = ...,
        l1: float = ...,
        weight_decay: float | None = ...,
        max_norm: float | None = ...,
        ema_decay: float = ...,
        clipping: str = ...,
        clip_threshold: float | None = ...,
        rho: float = ...,
        decay_rate: float = ...,
        decay_epochs: float = ...,
        warmup_epochs: float = ...,
        dtype: str = ...,
        loss: str = ...,
        focal_gamma: float = ...,
        label_smoothing: float = ...,
        class_weight: dict[Any, float] | str | None = ...,
    ) -> None: ...
