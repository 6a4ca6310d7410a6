"""Solves as torch functions and modules: `from symde.layers import diffeq, DiffEqLayer`.

Torch is imported with the first name that is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symde.lazy import import_with_torch

if TYPE_CHECKING:
    from symde.layers.diffeq import diffeq, diffeq_adjoint, diffeq_fd, diffeq_rd
    from symde.layers.diffeq_layer import DiffEqLayer
    from symde.layers.neural_ode import NeuralODE
    from symde.layers.neural_sde import NeuralSDE, neural_dmsde

_HOME = {
    "DiffEqLayer": "symde.layers.diffeq_layer",
    "NeuralODE": "symde.layers.neural_ode",
    "NeuralSDE": "symde.layers.neural_sde",
    "diffeq": "symde.layers.diffeq",
    "diffeq_adjoint": "symde.layers.diffeq",
    "diffeq_fd": "symde.layers.diffeq",
    "diffeq_rd": "symde.layers.diffeq",
    "neural_dmsde": "symde.layers.neural_sde",
}

__all__ = [
    "DiffEqLayer",
    "NeuralODE",
    "NeuralSDE",
    "diffeq",
    "diffeq_adjoint",
    "diffeq_fd",
    "diffeq_rd",
    "neural_dmsde",
]


__getattr__ = import_with_torch(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
