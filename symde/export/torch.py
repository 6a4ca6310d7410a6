"""The target `torch`."""

from __future__ import annotations

from symde.codegen.torch_printer import torch_source
from symde.export.explicit import explicit_definition
from symde.export.target import PrintedTarget
from symde.model.model import Model


def _source(model: Model) -> str:
    return torch_source(explicit_definition(model))


TARGET = PrintedTarget("torch", ".py", "Python for torch: an nn.Module of many points", _source)
