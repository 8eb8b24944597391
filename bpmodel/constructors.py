"""Constructors of the estimators, made from the tables of options; `make docs` writes their types to `constructors.pyi`."""

from bpmodel.option import constructor
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS

RegressorConstructor = constructor("RegressorConstructor", REGRESSOR_OPTIONS)
ClassifierConstructor = constructor("ClassifierConstructor", CLASSIFIER_OPTIONS)
