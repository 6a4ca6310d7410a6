"""The target `c`."""

from __future__ import annotations

from symde.codegen.c_printer import c_source
from symde.export.explicit import explicit_definition
from symde.export.target import PrintedTarget
from symde.model.model import Model


def _source(model: Model) -> str:
    return c_source(explicit_definition(model))


TARGET = PrintedTarget("c", ".c", "C99, one file without dependencies", _source)
