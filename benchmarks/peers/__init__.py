"""The other side: solvers of other libraries, on the very same compiled right-hand side where they take one.

A peer is a file with a function `solver(problem, floor, name)` that gives a `Solver` of equal_error.py, or
None where the library is not installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

PEERS = {
    "numbalsoda lsoda": "numbalsoda",
    "numbalsoda dop853": "numbalsoda",
    "CVODE dense": "cvode",
    "CVODE band": "cvode",
    "SciPy LSODA": "scipy",
    "SciPy Radau": "scipy",
    "SciPy BDF": "scipy",
    "SciPy DOP853": "scipy",
    "SciPy RK45": "scipy",
    "heyoka": "heyoka",
    "pydiffsol bdf": "diffsol",
    "pydiffsol tr_bdf2": "diffsol",
    "pydiffsol esdirk34": "diffsol",
    "pydiffsol tsit45": "diffsol",
    "diffrax Kvaerno5": "diffrax",
    "diffrax Kvaerno3": "diffrax",
    "diffrax Tsit5": "diffrax",
    "diffrax Dopri8": "diffrax",
    "CasADi cvodes": "casadi",
    "scikit-sundae BDF": "sundae",
    "scikit-sundae Adams": "sundae",
}
"""Label -> file."""


def peer(label: str, problem: object, floor: float) -> Callable[[float], np.ndarray] | None:
    """The solver of a label for a problem, None where it is not installed or does not fit."""
    module = importlib.import_module(f"benchmarks.peers.{PEERS[label]}")
    return module.solver(problem, floor, label.split()[-1])
