"""The target `numba`."""

from __future__ import annotations

from symde.codegen.numba_printer import numba_source
from symde.export.explicit import explicit_definition
from symde.export.target import PrintedTarget
from symde.model.model import Model


def _source(model: Model) -> str:
    return numba_source(explicit_definition(model))


TARGET = PrintedTarget("numba", ".py", "Python compiled by numba: functions that write in place", _source)
