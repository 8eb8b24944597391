"""The one table of names of other tools: what they are called here.

Messages about unknown names and the tables in `docs/from_matlab.md` and its siblings follow from it. Values and options are
text here: this table knows no others, so it may also name options of the search.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bpmodel.names.near import plain

MATLAB, KERAS, TORCH, SKLEARN, BOOKS = "MATLAB", "Keras", "PyTorch", "scikit-learn", "Chinese textbooks"
OTHERS = "other libraries"
OPTION = object()
"""The `value` of a row that names an option itself, not a value of it."""
REGRESSION, CLASSIFICATION = "regression", "classification"


class Foreign(NamedTuple):
    """A name of another tool.

    Attributes
    ----------
    name : str
        The name there.
    tool : str
        Where it is called that.
    option : str
        The option here; empty if there is none.
    value : object
        Its value, or `OPTION` if the name is that of an option.
    also : mapping
        Other options that the name includes there, with their values here.
    remark : str
        What differs, or why there is no such thing.
    task : str
        The only task that it is for.
    """

    name: str
    tool: str
    option: str
    value: Any = OPTION
    also: Mapping[str, Any] = {}
    remark: str = ""
    task: str = ""

    @property
    def here(self) -> str:
        """The settings that say the same here.

        >>> Foreign("traingd", MATLAB, "solver", "sgd", {"momentum": 0}).here, Foreign("mc", MATLAB, "momentum").here
        ("solver = 'sgd' with momentum = 0", 'momentum')
        """
        first = self.option if self.value is OPTION else f"{self.option} = {self.value!r}"
        further = ", ".join(f"{name} = {_written(value)}" for name, value in self.also.items())
        return f"{first} with {further}" if further else first


def _written(value: Any) -> str:
    """Return a value as Python and TOML write it; both read texts in single quotes."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _rows(tool: str, option: str, values: Mapping[str, str], remark: str = "", task: str = "") -> Iterator[Foreign]:
    """Return rows for names that are a value of one option: blanks separate the names."""
    for names, value in values.items():
        yield from (Foreign(name, tool, option, value, remark=remark, task=task) for name in names.split())


def _keys(tool: str, options: Mapping[str, str]) -> Iterator[Foreign]:
    """Return rows for names of options: blanks separate the names."""
    for names, option in options.items():
        yield from (Foreign(name, tool, option) for name in names.split())


ALL_ROWS = "for whole-batch steps as there, set batch_size to the number of rows"
CLASSIC = {"momentum": 0.9, "nesterovs_momentum": False}
BY_ITSELF = "a classifier has it at the output by itself"

TRAINING = (
    Foreign("traingd", MATLAB, "solver", "sgd", {"momentum": 0}, ALL_ROWS),
    Foreign("traingdm", MATLAB, "solver", "sgd", CLASSIC, ALL_ROWS),
    Foreign("traingda", MATLAB, "solver", "sgd", {"momentum": 0, "learning_rate": "adaptive"}, "the rate only falls"),
    Foreign("traingdx", MATLAB, "solver", "sgd", CLASSIC | {"learning_rate": "adaptive"}, "the rate only falls"),
    Foreign("trainrp", MATLAB, "solver", "rprop"),
    Foreign("trainscg", MATLAB, "solver", "scg"),
    *_rows(MATLAB, "solver", {"traincgf traincgp traincgb": "scg"}, "the conjugate gradient method that is here"),
    Foreign("trainbfg", MATLAB, "solver", "lbfgs", remark="with limited memory"),
    Foreign("trainoss", MATLAB, "solver", "lbfgs", remark="the quasi-Newton method that is here"),
    Foreign("trainlm", MATLAB, "solver", "lm", remark="for regression", task=REGRESSION),
    Foreign("trainlm", MATLAB, "solver", "lbfgs", remark="'lm' is only for regression", task=CLASSIFICATION),
    Foreign("trainbr", MATLAB, "solver", "lm_bayesian", remark="for regression", task=REGRESSION),
    Foreign("trainbr", MATLAB, "solver", "lbfgs", remark="choose alpha by a search", task=CLASSIFICATION),
    *_rows(MATLAB, "solver", {"trainb trainc trainr trains learngd learngdm": "sgd"}),
    *_rows(MATLAB, "solver", {"sgdm": "sgd"}),
    Foreign("LM", BOOKS, "solver", "lbfgs", remark="'lm' is only for regression", task=CLASSIFICATION),
    *_rows(BOOKS, "solver", {"LM算法 列文伯格-马夸尔特": "lm", "贝叶斯正则化": "lm_bayesian"}, task=REGRESSION),
    *_rows(BOOKS, "solver", {"梯度下降 梯度下降法 最速下降法 动量法": "sgd", "弹性BP 弹性梯度下降": "rprop"}),
    *_rows(BOOKS, "solver", {"共轭梯度法 量化共轭梯度法": "scg", "拟牛顿法": "lbfgs"}),
    *_rows(TORCH, "solver", {"SGD": "sgd", "ASGD": "sgd", "RAdam": "adam", "Adamax": "adam", "LBFGS": "lbfgs"}),
    *_rows(KERAS, "solver", {"Adamax": "adam", "Ftrl": "adagrad", "Lion": "adamw"}, "the nearest that is here"),
    *_rows(OTHERS, "solver", {"gd momentum backprop": "sgd", "bfgs l-bfgs-b": "lbfgs"}),
    *_rows(OTHERS, "solver", {"levenberg_marquardt marquardt": "lm"}, task=REGRESSION),
)

ACTIVATIONS = (
    *_rows(MATLAB, "activation", {"tansig": "tanh", "logsig": "logistic", "purelin": "identity", "poslin": "relu"}),
    Foreign("softmax", MATLAB, "", None, remark=BY_ITSELF),
    Foreign("elliotsig", MATLAB, "activation", "tanh", remark="the nearest that is here"),
    *_rows(MATLAB, "activation", {"satlin": "logistic", "satlins": "tanh"}, "smooth, as the gradient needs it"),
    *_rows(MATLAB, "activation", {"hardlim": "logistic", "hardlims": "tanh"}, "smooth, as the gradient needs it"),
    *(
        Foreign(name, MATLAB, "", None, remark="these networks have no radial or competitive units")
        for name in ("radbas", "radbasn", "tribas", "compet")
    ),
    *_rows(BOOKS, "activation", {"双曲正切": "tanh", "S型函数 对数S型": "logistic", "线性函数": "identity"}),
    *_rows(KERAS, "activation", {"sigmoid hard_sigmoid": "logistic", "linear": "identity", "swish": "silu"}),
    *_rows(TORCH, "activation", {"LogSigmoid": "softplus", "Hardswish": "silu", "Hardtanh Softsign": "tanh"}),
    *_rows(
        TORCH, "activation", {"PReLU RReLU": "leaky_relu", "ReLU6": "relu", "CELU": "elu"}, "the nearest that is here"
    ),
)

LOSSES = (
    *_rows(MATLAB, "loss", {"mse sse": "squared_error", "mae sae": "absolute_error"}, task=REGRESSION),
    Foreign("msereg", MATLAB, "loss", "squared_error", remark="alpha is the weight penalty", task=REGRESSION),
    Foreign("msesparse", MATLAB, "loss", "squared_error", remark="alpha is the weight penalty", task=REGRESSION),
    *_rows(MATLAB, "loss", {"mse sse msereg mae sae": "log_loss"}, "what a classifier minimizes", CLASSIFICATION),
    Foreign("crossentropy", MATLAB, "loss", "log_loss", task=CLASSIFICATION),
    *_rows(BOOKS, "loss", {"均方误差": "squared_error", "平均绝对误差": "absolute_error"}, task=REGRESSION),
    *_rows(BOOKS, "loss", {"交叉熵": "log_loss"}, task=CLASSIFICATION),
    *_rows(
        KERAS, "loss", {"mean_squared_error": "squared_error", "mean_absolute_error": "absolute_error"}, task=REGRESSION
    ),
    *_rows(KERAS, "loss", {"binary_crossentropy categorical_crossentropy": "log_loss"}, task=CLASSIFICATION),
    *_rows(KERAS, "loss", {"sparse_categorical_crossentropy": "log_loss"}, task=CLASSIFICATION),
    *_rows(KERAS, "loss", {"binary_focal_crossentropy categorical_focal_crossentropy": "focal"}, task=CLASSIFICATION),
    *_rows(TORCH, "loss", {"MSELoss": "squared_error", "L1Loss": "absolute_error"}, task=REGRESSION),
    *_rows(TORCH, "loss", {"SmoothL1Loss HuberLoss": "huber", "PoissonNLLLoss": "poisson"}, task=REGRESSION),
    *_rows(TORCH, "loss", {"CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss": "log_loss"}, task=CLASSIFICATION),
    *_rows(
        OTHERS, "loss", {"l2 rmse": "squared_error", "l1": "absolute_error", "pinball": "quantile"}, task=REGRESSION
    ),
    *_rows(OTHERS, "loss", {"bce ce cross_entropy nll deviance": "log_loss"}, task=CLASSIFICATION),
)

SCALING = (
    *_rows(MATLAB, "scale_input", {"mapminmax": "minmax", "mapstd": "standard"}, "study files also have numeric"),
    *_rows(MATLAB, "numeric", {"mapminmax": "minmax", "mapstd": "standard"}),
    Foreign("removeconstantrows", MATLAB, "", None, remark="init leaves out constant columns ([data] drop)"),
    Foreign("fixunknowns", MATLAB, "", None, remark="missing values are filled, and missing_indicator adds a column"),
    Foreign("processpca", MATLAB, "", None, remark="put scikit-learn's PCA before the network, in a pipeline"),
    *_rows(BOOKS, "scale_input", {"归一化": "minmax", "标准化": "standard"}),
    *_rows(BOOKS, "numeric", {"归一化": "minmax", "标准化": "standard"}),
    *_rows(SKLEARN, "scale_input", {"MinMaxScaler": "minmax", "StandardScaler": "standard", "RobustScaler": "robust"}),
    *_rows(SKLEARN, "numeric", {"MinMaxScaler": "minmax", "StandardScaler": "standard", "RobustScaler": "robust"}),
    *_rows(SKLEARN, "numeric", {"QuantileTransformer": "quantile", "KBinsDiscretizer": "piecewise"}),
    *_rows(SKLEARN, "categorical", {"OneHotEncoder": "onehot", "OrdinalEncoder": "ordinal"}),
    *_rows(OTHERS, "scale_input", {"zscore normalize": "standard"}),
    *_rows(OTHERS, "numeric", {"zscore normalize": "standard"}),
    *_rows(OTHERS, "categorical", {"dummy": "onehot", "label": "ordinal"}),
)

SCHEDULES = (
    *_rows(KERAS, "learning_rate", {"ExponentialDecay": "exponential", "CosineDecay": "cosine"}),
    *_rows(KERAS, "learning_rate", {"CosineDecayRestarts": "cosine_restarts", "InverseTimeDecay": "invscaling"}),
    *_rows(KERAS, "learning_rate", {"PiecewiseConstantDecay": "step", "ReduceLROnPlateau": "adaptive"}),
    *_rows(TORCH, "learning_rate", {"StepLR": "step", "ExponentialLR": "exponential", "OneCycleLR": "one_cycle"}),
    *_rows(TORCH, "learning_rate", {"CosineAnnealingLR": "cosine", "CosineAnnealingWarmRestarts": "cosine_restarts"}),
)

START = (
    *_rows(MATLAB, "init", {"initnw initlay initwb rands": "auto"}),
    *_rows(TORCH, "init", {"xavier_uniform xavier": "glorot_uniform", "xavier_normal": "glorot_normal"}),
    *_rows(TORCH, "init", {"kaiming_uniform": "he_uniform", "kaiming_normal": "he_normal"}),
    *_rows(KERAS, "normalization", {"BatchNormalization": "batch", "LayerNormalization": "layer"}),
    *_rows(TORCH, "normalization", {"BatchNorm1d": "batch", "LayerNorm": "layer"}),
    *_rows(TORCH, "clipping", {"clip_grad_norm_": "norm", "clip_grad_value_": "value"}),
    *_rows(KERAS, "clipping", {"clipnorm global_clipnorm": "norm", "clipvalue": "value"}),
)

SCORERS = (
    *_rows(MATLAB, "scoring", {"mse": "neg_mean_squared_error", "mae": "neg_mean_absolute_error"}),
    *_rows(MATLAB, "scoring", {"crossentropy": "neg_log_loss"}),
    Foreign("R", MATLAB, "scoring", "r2", remark="plotregression shows the correlation, R; r2 also punishes a bias"),
    *_rows(KERAS, "scoring", {"acc binary_accuracy categorical_accuracy": "accuracy", "AUC": "roc_auc"}),
    *_rows(BOOKS, "scoring", {"均方误差": "neg_mean_squared_error", "均方根误差": "neg_root_mean_squared_error"}),
    *_rows(BOOKS, "scoring", {"平均绝对误差": "neg_mean_absolute_error", "决定系数": "r2", "准确率": "accuracy"}),
    *_rows(BOOKS, "scoring", {"平均绝对百分比误差": "neg_mean_absolute_percentage_error"}),
    *_rows(BOOKS, "scoring", {"精确率 查准率": "precision", "召回率 查全率": "recall"}),
    *_rows(OTHERS, "scoring", {"rmse": "neg_root_mean_squared_error", "mape": "neg_mean_absolute_percentage_error"}),
    *_rows(OTHERS, "scoring", {"msle": "neg_mean_squared_log_error", "rmsle": "neg_root_mean_squared_log_error"}),
    *_rows(OTHERS, "scoring", {"medae": "neg_median_absolute_error", "rsquared": "r2"}),
    *_rows(OTHERS, "scoring", {"bacc": "balanced_accuracy", "mcc": "matthews_corrcoef", "sensitivity": "recall"}),
    *_rows(OTHERS, "scoring", {"logloss ce nll bce cross_entropy": "neg_log_loss", "rocauc": "roc_auc"}),
    *_rows(OTHERS, "scoring", {"ap prauc": "average_precision", "brier": "neg_brier_score", "bss": "d2_brier_score"}),
    *_rows(OTHERS, "scoring", {"f1-score f-score": "f1", "macro-f1": "f1_macro", "micro-f1": "f1_micro"}),
)

SEARCHES = (
    *_rows(MATLAB, "kind", {"dividerand": "k_fold"}, "each row is validated once, instead of one random division"),
    *_rows(MATLAB, "kind", {"divideblock divideint": "k_fold"}, "with shuffle = false; for a series, 'time_series'"),
    *_rows(MATLAB, "kind", {"divideind": "predefined"}, "the column split names the fold of each row"),
    *_rows(BOOKS, "kind", {"交叉验证 K折交叉验证": "k_fold"}),
    *_rows(
        SKLEARN,
        "kind",
        {"StratifiedKFold": "stratified", "GroupKFold": "group", "StratifiedGroupKFold": "stratified_group"},
    ),
    *_rows(
        SKLEARN, "kind", {"TimeSeriesSplit": "time_series", "PredefinedSplit": "predefined", "ShuffleSplit": "k_fold"}
    ),
    *_rows(SKLEARN, "kind", {"RepeatedKFold": "k_fold", "RepeatedStratifiedKFold": "stratified"}, "with repeats"),
    *_rows(MATLAB, "method", {"bayesopt": "bayesian"}),
    *_rows(
        SKLEARN, "method", {"GridSearchCV": "grid", "RandomizedSearchCV": "random", "HalvingGridSearchCV": "bayesian"}
    ),
    *_rows(OTHERS, "method", {"tpe bayes bo optuna hyperopt smac": "bayesian", "sobol qmc lhs": "quasi-random"}),
    *_rows(OTHERS, "method", {"hyperband asha halving": "bayesian"}, "with prune = true"),
    *_rows(OTHERS, "method", {"gaussian_process": "gp", "randomized": "random", "exhaustive": "grid"}),
    *_rows(OTHERS, "method", {"ga genetic pso evolution": "cma-es"}, "an evolution strategy"),
    *_rows(BOOKS, "method", {"网格搜索": "grid", "随机搜索": "random", "贝叶斯优化": "bayesian"}),
    *_rows(BOOKS, "method", {"遗传算法 粒子群算法": "cma-es"}, "an evolution strategy"),
    *_rows(MATLAB, "task", {"fitnet fitting": "regression", "patternnet pattern": "classification"}),
    *_rows(BOOKS, "task", {"回归": "regression", "分类": "classification"}),
    *_rows(OTHERS, "task", {"regressor reg": "regression", "classifier clf binary multiclass": "classification"}),
)

VALUES = (*TRAINING, *ACTIVATIONS, *LOSSES, *SCALING, *SCHEDULES, *START, *SCORERS, *SEARCHES)
"""Names of values of options."""

NETWORK_KEYS = (
    *_keys(MATLAB, {"hiddenSizes LayerSizes": "hidden_layer_sizes", "trainFcn": "solver"}),
    *_keys(MATLAB, {"transferFcn Activations": "activation", "performFcn": "loss"}),
    *_keys(MATLAB, {"Standardize": "scale_input", "initFcn LayerWeightsInitializer": "init"}),
    *_keys(MATLAB, {"epochs MaxEpochs IterationLimit": "max_iter", "lr InitialLearnRate": "learning_rate_init"}),
    *_keys(MATLAB, {"mc": "momentum", "max_fail ValidationPatience": "n_iter_no_change", "min_grad": "tol"}),
    *_keys(MATLAB, {"LearnRateSchedule": "learning_rate", "MiniBatchSize": "batch_size", "lr_dec": "decay_rate"}),
    *_keys(MATLAB, {"Lambda L2Regularization regularization": "alpha", "GradientThreshold": "clip_threshold"}),
    *_keys(MATLAB, {"GradientThresholdMethod": "clipping", "valRatio": "validation_fraction"}),
    *(Foreign("processFcns", MATLAB, option) for option in ("scale_input", "numeric")),
    Foreign("divideFcn", MATLAB, "kind", remark="a network alone has early_stopping and validation_fraction"),
    Foreign("divideFcn", MATLAB, "early_stopping", remark="with validation_fraction"),
    Foreign("testRatio", MATLAB, "outer", remark="the rows of an outer fold are never seen by the search"),
    Foreign("goal", MATLAB, "target_score", remark="the score at which a search ends"),
    Foreign("goal", MATLAB, "", None, remark="a fit ends by tol, n_iter_no_change and max_iter"),
    *_keys(MATLAB, {"time MaxTime": "timeout", "showCommandLine": "verbose"}),
    *(
        Foreign(name, MATLAB, "", None, remark="'lm' and 'lm_bayesian' choose the damping themselves")
        for name in ("mu", "mu_dec", "mu_inc", "mu_max")
    ),
    *(
        Foreign(name, MATLAB, "", None, remark="it has no counterpart; the schedules only lower the rate")
        for name in ("lr_inc", "max_perf_inc")
    ),
    *_keys(BOOKS, {"学习率": "learning_rate_init", "动量因子 动量系数": "momentum", "激活函数 传递函数": "activation"}),
    *_keys(BOOKS, {"隐含层 隐藏层 隐含层节点数 隐藏层神经元数": "hidden_layer_sizes", "正则化系数": "alpha"}),
    *_keys(BOOKS, {"迭代次数 最大迭代次数 训练次数": "max_iter", "批大小": "batch_size", "训练函数 优化器": "solver"}),
    *_keys(BOOKS, {"损失函数 性能函数": "loss", "早停": "early_stopping", "随机种子": "random_state"}),
    *_keys(KERAS, {"epochs n_epochs num_epochs nb_epoch": "max_iter", "units hidden_units": "hidden_layer_sizes"}),
    *_keys(KERAS, {"optimizer": "solver", "patience early_stopping_patience": "n_iter_no_change"}),
    *_keys(KERAS, {"validation_split": "validation_fraction", "kernel_initializer": "init", "min_delta": "tol"}),
    *_keys(KERAS, {"kernel_regularizer": "alpha", "dropout_rate": "dropout", "clipnorm clipvalue": "clip_threshold"}),
    *_keys(KERAS, {"learning_rate_schedule": "learning_rate", "nesterov": "nesterovs_momentum", "amsgrad": "solver"}),
    *_keys(TORCH, {"lr": "learning_rate_init", "criterion loss_fn": "loss", "scheduler lr_scheduler": "learning_rate"}),
    *_keys(TORCH, {"betas": "beta_1", "eps": "epsilon", "manual_seed": "random_state", "max_epochs": "max_iter"}),
    *_keys(TORCH, {"pos_weight": "class_weight"}),
    *_keys(OTHERS, {"batch": "batch_size", "eta learning_rate_initial": "learning_rate_init", "seed": "random_state"}),
    *_keys(OTHERS, {"hidden_layers hidden layers n_hidden neurons hidden_dim hidden_size": "hidden_layer_sizes"}),
    *_keys(OTHERS, {"act activation_function transfer_function": "activation", "iterations n_iter": "max_iter"}),
    *_keys(
        OTHERS, {"l2 reg_lambda l2_regularization": "alpha", "reg_alpha": "l1", "weights class_weights": "class_weight"}
    ),
    *_keys(OTHERS, {"early_stopping_rounds": "n_iter_no_change", "gradient_clipping max_grad_norm": "clip_threshold"}),
    *_keys(OTHERS, {"scaler normalize": "scale_input", "batch_norm layer_norm": "normalization"}),
)

SEARCH_KEYS = (
    *_keys(SKLEARN, {"param_grid param_distributions": "space", "n_iter": "n_trials"}),
    *_keys(SKLEARN, {"random_state": "seed", "cv": "n_splits"}),
    *_keys(KERAS, {"max_trials": "n_trials", "objective": "scoring", "metrics": "scoring"}),
    *_keys(OTHERS, {"search_spaces param_space": "space", "n_calls max_evals num_samples": "n_trials"}),
    *_keys(
        OTHERS,
        {"folds n_folds k": "n_splits", "test_size": "outer", "max_time time_limit": "timeout", "metric": "scoring"},
    ),
    *_keys(
        OTHERS,
        {"file filename path csv data_path": "source", "label y response": "target", "sep delimiter": "separator"},
    ),
    *_keys(OTHERS, {"dayfirst": "day_first", "groups group_column": "group", "pos_label": "positive"}),
    *_keys(OTHERS, {"sampler algorithm strategy": "method", "pruner": "prune", "n_workers workers": "n_jobs"}),
    *_keys(BOOKS, {"数据 数据文件": "source", "目标 标签 因变量": "target", "任务": "task", "折数": "n_splits"}),
    *_keys(BOOKS, {"名称": "name", "评价指标": "scoring"}),
)

KEYS = (*NETWORK_KEYS, *SEARCH_KEYS)
"""Names of options."""


def find(rows: tuple[Foreign, ...], name: str) -> list[Foreign]:
    """Return the rows of a name, in their order; case, punctuation and what stands before the last dot do not count.

    >>> [row.here for row in find(KEYS, "net.trainParam.max_fail")], find(KEYS, "profit")
    (['n_iter_no_change'], [])
    """
    written = {plain(name), plain(name.rpartition(".")[2])} - {""}
    return [row for row in rows if plain(row.name) in written]
