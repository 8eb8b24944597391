"""Fitted models as ONNX graphs, which programs in other languages run without Python.

The graphs are made of standard operators and computed in one precision. `graph` holds nodes and constants as plain data, `flow`
is what goes from step to step, `composition` has the table of transformers, `predictors` that of estimators, and `model` turns
the whole into an ONNX file: only that file, and `agreement`, which runs it, import libraries of ONNX.
"""

from bpmodel.export.model import to_onnx
from bpmodel.export.refusal import NotExportable

__all__ = ["NotExportable", "to_onnx"]
