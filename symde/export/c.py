"""The target `c`."""

from __future__ import annotations

from symde.codegen.c_printer import c_source
from symde.export.target import PrintedTarget
from symde.model.model import Model


def _source(model: Model) -> str:
    return c_source(model.definition)


TARGET = PrintedTarget("c", ".c", "C99, one file without dependencies", _source)
