"""Constructors of the transformers, made from the tables of options; `make docs` writes their types to `constructors.pyi`."""

from bpmodel.option import constructor
from bpmodel.preprocessing.options import COLUMNS, TARGET, WRITTEN

TableConstructor = constructor("TableConstructor", (*COLUMNS, WRITTEN))
TargetConstructor = constructor("TargetConstructor", TARGET)
