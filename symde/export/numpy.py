"""The target `numpy`."""

from __future__ import annotations

from symde.codegen.numpy_printer import numpy_source
from symde.export.explicit import explicit_definition
from symde.export.target import PrintedTarget
from symde.model.model import Model


def _source(model: Model) -> str:
    return numpy_source(explicit_definition(model))


TARGET = PrintedTarget("numpy", ".py", "Python for numpy: functions of one point or many", _source)
