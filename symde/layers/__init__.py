"""Solves as torch functions and modules: `from symde.layers import diffeq, DiffEqLayer`.

Torch is imported with the first name that is used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symde.layers.diffeq import diffeq, diffeq_adjoint, diffeq_fd, diffeq_rd
    from symde.layers.diffeq_layer import DiffEqLayer
    from symde.layers.neural_ode import NeuralODE

_HOME = {
    "DiffEqLayer": "symde.layers.diffeq_layer",
    "NeuralODE": "symde.layers.neural_ode",
    "diffeq": "symde.layers.diffeq",
    "diffeq_adjoint": "symde.layers.diffeq",
    "diffeq_fd": "symde.layers.diffeq",
    "diffeq_rd": "symde.layers.diffeq",
}

__all__ = ["DiffEqLayer", "NeuralODE", "diffeq", "diffeq_adjoint", "diffeq_fd", "diffeq_rd"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'symde.layers' has no attribute {name!r}")
    try:
        module = importlib.import_module(_HOME[name])
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError("symde.layers needs torch: pip install 'symde[torch]'", name="torch") from error
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """Keeps `symde.layers.diffeq` the function: importing the module of that name would put the module in its
    place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
