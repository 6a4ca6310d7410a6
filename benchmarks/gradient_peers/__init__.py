"""Gradients by other libraries.

A peer is a file with a function `solver(case, name)` that gives a function of a tolerance, which returns the
gradient, shape (m,); or None where the library is not installed or does not fit.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

PEERS = {
    "CVODES staggered": "cvodes",
    "CVODES simultaneous": "cvodes",
    "CVODES partial": "cvodes",
    "CVODES adjoint": "cvodes",
    "diffrax Tsit5": "diffrax",
    "diffrax Dopri8": "diffrax",
    "diffrax Kvaerno5": "diffrax",
    "diffrax Tsit5+forward": "diffrax",
    "diffrax Dopri8+forward": "diffrax",
    "diffrax Kvaerno5+forward": "diffrax",
    "CasADi cvodes": "casadi",
    "pydiffsol forward": "diffsol",
    "pydiffsol adjoint": "diffsol",
}
"""Label -> file."""


def peer(label: str, case: object) -> Callable[[float], np.ndarray] | None:
    """The gradient of a case by a label, None where it is not installed or does not fit."""
    module = importlib.import_module(f"benchmarks.gradient_peers.{PEERS[label]}")
    return module.solver(case, label.split()[-1])
