"""Continuous adjoints with the integral by the parameters solved beside the adjoint states.

The forward solution is read from its interpolants. The integral stays out of the linear systems and is a
block of its own in the error test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symde.engine.cpu.backward import BackwardSystem
from symde.sensitivity.adjoint_system import AdjointSystem, adjoint_system
from symde.sensitivity.adjoint_tolerance import BESIDE
from symde.sensitivity.along import Along, AlongRecord, record_along, refuse_fixed, tightened_around
from symde.sensitivity.delay_adjoint import DelayAdjointRecord, record_delayed
from symde.sensitivity.run import Run
from symde.sensitivity.wrt import Wrt

FAMILIES = ("explicit", "explicit_two_estimates", "adams", "rosenbrock", "esdirk", "bdf")
"""Families whose methods solve adjoint states and integrals together."""


def _system(system: Any, products: Any, integrals: bool, implicit: bool) -> AdjointSystem:
    return adjoint_system(
        system,
        ("interpolating", products, integrals, implicit),
        lambda: AdjointSystem(system, BackwardSystem(products, integrals, implicit, "jumps")),
    )


def _begin(session: Any, tolerance: np.ndarray, rtol: float) -> Callable[[], np.ndarray]:
    n, m = session.context.n, session.context.m
    return lambda: session.vector("u")[n:] if session.n > n else np.zeros(m)


STRATEGY = Along(_system, FAMILIES, False, BESIDE, _begin)

around = tightened_around


def record(run: Run, wrt: Wrt) -> AlongRecord | DelayAdjointRecord:
    """Solve and keep the interpolants.

    Raises:
        ValueError: a method has no error estimate. SolveError: the solve did not reach its end.
    """
    refuse_fixed(run, "interpolating")
    if run.problem.system.delays:
        return record_delayed(run)
    return record_along(run, wrt, bool(wrt.parameters), STRATEGY)
