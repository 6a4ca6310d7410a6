"""Splitting methods in memory, and the halves of a model they need."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.families.hermite import HermiteData, pack_passes
from symde.engine.cpu.family import Family, Numbers
from symde.engine.cpu.layout import int64, structure

OWN = 3
"""Vectors of the step itself, before those of the interpolant: force, rate of the positions, difference."""

SplittingData = structure(
    "SplittingData",
    "A splitting method: kicks and drifts with the times at which their right-hand sides are taken.",
    stages=int64,
    forces=int64,  # evaluated in a step
    kicks=int64,
    drifts=int64,
    kick_times=int64,
    drift_times=int64,
    fsal=int64,
    interpolant=HermiteData,
)

HalvesContext = structure(
    "HalvesContext",
    "Kernels of the two halves of the right-hand side, each of all states with zeros for the other half.",
    positions=int64,
    momenta=int64,
)


def pack(method: Any) -> Numbers:
    """A splitting method's numbers."""
    kicks, drifts = np.array(method.b), np.array(method.a)
    kick_times, drift_times = np.cumsum(drifts) - drifts, np.cumsum(kicks)
    passes = method.interpolant.passes
    interpolant, kept = pack_passes(passes)
    data = SplittingData(
        stages=len(kicks),
        forces=method.stages,
        kicks=kicks.ctypes.data,
        drifts=drifts.ctypes.data,
        kick_times=kick_times.ctypes.data,
        drift_times=drift_times.ctypes.data,
        fsal=int(method.fsal),
        interpolant=interpolant,
    )
    vectors = OWN + 2 + len(passes[-1].nodes)
    return Numbers(data, vectors, method.interpolant.degree, (kicks, drifts, kick_times, drift_times, *kept))


def halves_of(kernels: Any, method: Any) -> Any:
    """The positions and momenta of a model.

    Raises:
        ValueError: it has none, or none that serve the method.
    """
    needs = f"{method.name} solves equations of positions and momenta, q' = g(p, t) and p' = f(q, t)"
    instead = "take 'GaussLegendre4', which is symplectic for every model, or 'Vern7'"
    if not hasattr(type(kernels), "partition"):
        raise ValueError(
            f"{needs}, and a function that cannot be traced does not show which is which: {instead}"
        )
    try:
        return kernels.partition
    except ValueError as problem:
        raise ValueError(f"{needs}, but {problem}: {instead}") from None


def context(kernels: Any, method: Any) -> tuple[int, Any]:
    """The kernels of the halves."""
    halves = halves_of(kernels, method)
    if method.nystrom and halves.unsteady:
        raise ValueError(
            f"{method.name} is of order {method.order} only where q' is linear in p with constant "
            f"coefficients, but {halves.unsteady}: take 'CandyRoz4' or 'KahanLi6'"
        )
    kept = HalvesContext(positions=kernels.address("rhs_positions"), momenta=kernels.address("rhs_momenta"))
    return ctypes.addressof(kept), kept


def memory(method: Any, n: int, padded: int) -> int:
    """How far f at the end of the last interpolated step still serves: the count of steps then."""
    return 1


FAMILY = Family("symplectic", pack, implicit=False, context=context, memory=memory)
