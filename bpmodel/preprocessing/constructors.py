"""Constructors of the transformers, made from the tables of options; `constructors.pyi`, which `make docs` writes, types them."""

from bpmodel.option import constructor
from bpmodel.preprocessing.options import COLUMNS, TARGET

TableConstructor = constructor("TableConstructor", COLUMNS)
TargetConstructor = constructor("TargetConstructor", TARGET)
