"""Continuous adjoints with the integral by the parameters taken by quadrature.

Only the adjoint states are solved; the integral is summed up by nested Gauss rules on each step, with its
error controlled. The number of parameters costs products with P alone.

Source: A. Norcliffe, M. P. Deisenroth, Faster Training of Neural ODEs Using Gauss-Legendre Quadrature, TMLR
(2023), for the idea.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from symde.engine.cpu.backward import BackwardSystem
from symde.engine.cpu.quadrature import Quadrature
from symde.problem.system import refuse_delays
from symde.sensitivity.adjoint_system import AdjointSystem, adjoint_system
from symde.sensitivity.adjoint_tolerance import ALONE
from symde.sensitivity.along import Along, AlongRecord, record_along, refuse_fixed, tightened_around
from symde.sensitivity.interpolating import STRATEGY as WITHOUT_INTEGRALS
from symde.sensitivity.run import Run
from symde.sensitivity.wrt import Wrt

FAMILIES = ("explicit", "explicit_two_estimates", "rosenbrock", "bdf")
"""Families whose interpolants are as good as their steps, also right after a jump. HIRES with 33 saved
points: at rtol 1e-9 gradients were off by 4 times rtol with Rodas5P, by 5 with QNDF, by 102 with KenCarp4 and
by 204 with Radau; at 1e-7 by 43 with VCABM."""


def _system(system: Any, products: Any, integrals: bool, implicit: bool) -> AdjointSystem:
    def make() -> AdjointSystem:
        kernels = BackwardSystem(products, False, implicit, "quadrature")
        return AdjointSystem(system, kernels)

    return adjoint_system(system, ("gauss", products, implicit), make)


def _begin(session: Any, tolerance: np.ndarray, rtol: float) -> Callable[[], np.ndarray]:
    quadrature = session.companion(Quadrature, lambda: Quadrature(session.n, session.m))
    quadrature.begin(tolerance, rtol)
    context = session.context
    context.quadrature = ctypes.addressof(quadrature.data)
    context.by_parameters = session.kernels.products.address("adjoint_parameters")

    def read() -> np.ndarray:
        if quadrature.data.unresolved:
            warnings.warn(
                f"the integral by the parameters was not resolved to the tolerance on "
                f"{quadrature.data.unresolved} pieces of steps: compare with sensealg='interpolating'",
                RuntimeWarning,
                stacklevel=5,
            )
        return quadrature.integral()

    return read


STRATEGY = Along(_system, FAMILIES, True, ALONE, _begin)

around = tightened_around


def record(run: Run, wrt: Wrt) -> AlongRecord:
    """Solve and keep the interpolants.

    Raises:
        ValueError: a method has no error estimate. SolveError: the solve did not reach its end.
    """
    if run.problem.system.delays:
        refuse_delays(run.problem.system, "the strategy 'gauss'")
    refuse_fixed(run, "gauss")
    if not wrt.parameters:  # nothing to integrate
        return record_along(run, wrt, False, WITHOUT_INTEGRALS)
    return record_along(run, wrt, True, STRATEGY)
