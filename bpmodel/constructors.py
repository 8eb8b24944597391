"""Constructors of the estimators, made from the tables of options; `constructors.pyi`, which `make docs` writes, types them."""

from bpmodel.option import constructor
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS

RegressorConstructor = constructor("RegressorConstructor", REGRESSOR_OPTIONS)
ClassifierConstructor = constructor("ClassifierConstructor", CLASSIFIER_OPTIONS)
