"""The limits from which on something is worth saying, each with its reason.

They were set on concrete, power_plant, abalone, bike_hourly, adult, spambase, vehicle, titanic, beijing_pm25, iris, breast_cancer
and diabetes, whose columns give nothing away, and checked on others.
"""

SAMPLE = 2_000
"""Rows that leaks and near copies are looked for in. Larger tables are sampled, with a fixed seed."""

FEWEST_ROWS = 20
"""With fewer rows, a relation between columns may be chance."""

LEAK_SCORE = 0.99
"""Held-out R^2 or balanced accuracy of one column from which on it gives the target away. The best of a column that does not was
0.953 (petal width of iris) and 0.848 (power_plant)."""

HOPELESS = 0.9
"""Held-out score on the first fold below which a column is not looked at further, to save time."""

SAME = 0.99999
"""Correlation, or R^2 of a formula, from which on only rounding is left."""

NEAR = 0.9999
"""Correlation from which on two columns say the same. The largest of any set was 0.9986 (value and blue of segment)."""

PURE = 0.99
"""Share of one class among the rows where a column is filled (or missing) from which on this gives the class away."""

COMMON = 0.9
"""A class with a larger share than this is in most rows anyway; a column filled only where it occurs says little."""

CHANCE = 1e-9
"""Probability below which rows of one class only are no accident."""

WITHOUT_REPEATS = 20.0
"""n^2 / (2 x range) from which on whole numbers that are all different were given out: n draws from so many numbers are all
different with probability exp(-n^2 / (2 x range)), here 2e-9."""

LONG = 10
"""Digits from which on different whole numbers of one length were given out: amounts differ in length or in accuracy."""

MOSTLY_DIFFERENT = 0.9
"""Share of different values from which on dates can order the rows."""

SENTINEL_TIMES = 2
"""Rows with the same number far from all others from which on it may mean that a value is missing."""

ROW_COPIES = 0.01
"""Share of rows that repeat another row from which on it is told; adult has 0.1 %, and nobody minds."""

KEYS = 20
"""Number of groups from which on they can be told from the levels of a plain category."""

ALIKE = 0.95
"""Share of a column's variance between groups from which on it is a property of the group."""

SIMILAR = 0.5
"""The same, on average over the other columns, from which on a group is worth a comment."""

AUTOCORRELATION = 0.3
"""Correlation of the target with its predecessor from which on neighbors in time must not be split by shuffled folds. Of
independent rows it is below 3 / sqrt(n) but for one table of 700; the larger of the two counts."""

REGULAR = 0.9
"""Share of steps of equal length from which on a series is regular."""

RARE = 0.2
"""Size of the smallest class, as a part of an even share of the rows, below which accuracy rewards a model that ignores it: 10 %
of the rows for two classes. Of letter's 26 even classes each has 4 % of the rows, and none is rare."""

SKEWNESS = 2.0
"""From this skewness on, the logarithm of a target may be easier to learn."""

FAR = 10.0
"""Number of interquartile ranges from the quartiles from which on a target value is an outlier; of a normal distribution none
is, of a lognormal one (sigma 1) 0.3 %."""

ZEROS = 0.3
"""Share of zeros from which on a target is two questions: whether, and how much."""

FEW_ROWS = 100
"""With fewer rows, the score of one split is mostly the luck of the split."""

MAX_CLASSES = 20
"""Whole numbers of more different values are amounts."""

FEW_CLASSES = 5
"""Whole numbers of so few different values are classes, whatever their frequencies."""

EVEN = 3.0
"""Ratio of the largest to the smallest frequency up to which many whole numbers are labels; counts and ratings have rare ends."""

WIDE_STEP = 5.0
"""Mean distance of neighboring values from which on few whole numbers (0, 5, 10) are amounts."""

MOST_LEVELS = 0.5
"""Share of different texts from which on a target of texts is no class: each would have fewer than two rows."""
