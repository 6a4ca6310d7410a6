"""The target `llvm`."""

from __future__ import annotations

from symde.codegen.llvm_source import llvm_source
from symde.export.explicit import explicit_definition
from symde.export.target import PrintedTarget
from symde.model.model import Model


def _source(model: Model) -> str:
    return llvm_source(explicit_definition(model))


TARGET = PrintedTarget("llvm", ".ll", "LLVM IR, as symde compiles it for itself", _source)
