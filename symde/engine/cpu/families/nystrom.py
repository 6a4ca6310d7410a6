"""Runge-Kutta-Nystrom methods in memory, and what they need of a model."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.families.hermite import HermiteData, pack_passes
from symde.engine.cpu.families.symplectic import halves_of
from symde.engine.cpu.family import Family, Numbers, matrix
from symde.engine.cpu.layout import LANES, int64, structure
from symde.engine.methods.hermite import Pass, SecondOrder

OWN = 3
"""Vectors before the stages: the difference of the ends and the rates of the positions at both."""

NystromData = structure(
    "NystromData",
    "A Runge-Kutta-Nystrom tableau, and an interpolant from the ends, `base` of the evaluations and those at "
    "its nodes.",
    stages=int64,
    fsal=int64,
    a=int64,  # stages x stages
    b=int64,
    b_velocity=int64,
    c=int64,
    error=int64,
    error_velocity=int64,
    built=int64,  # the evaluation at the end is to be put behind that at the start
    base=int64,
    room=int64,  # vectors for evaluations, behind which those for their changes begin
    interpolant=HermiteData,  # weights of the changes of position and rate and of the accelerations
    momenta=int64,  # degree x (1 + changes of the accelerations)
)

SecondOrderContext = structure(
    "SecondOrderContext",
    "Kernels of q' and of q'' with p', and vectors that are one where a state is a position or a momentum.",
    rates=int64,
    accelerations=int64,
    positions=int64,
    momenta=int64,
)


def own_interpolant(tableau: Any) -> tuple[tuple[Pass, ...], np.ndarray]:
    """An interpolant of a tableau's own stages in the form of those that are built."""
    stages, powers = tableau.interpolant.shape
    positions = np.zeros((powers + 1, 1 + stages))
    positions[1:, 2:] = tableau.interpolant.T[:, 1:]
    momenta = np.zeros((powers + 1, stages))
    momenta[:powers, 1:] = tableau.interpolant_velocity.T[:, 1:]
    return (Pass((), positions),), momenta


def built_interpolant(built: SecondOrder) -> tuple[tuple[Pass, ...], np.ndarray]:
    """An interpolant's weights without those of the data at the start, from which changes are counted."""
    passes = tuple(Pass(one.nodes, np.delete(one.weights, (1, 3), axis=1)) for one in built.passes)
    weights = np.delete(built.momenta.weights, 1, axis=1)
    return passes, matrix(weights, (len(passes[-1].weights), weights.shape[1]))


def pack(tableau: Any) -> Numbers:
    """A tableau's numbers."""
    stages, built = tableau.stages, tableau.built
    fields = {"a": matrix(tableau.a, (stages, stages))}
    for key in ("b", "b_velocity", "c", "error", "error_velocity"):
        values = getattr(tableau, key)
        fields[key] = np.zeros(stages) if values is None else matrix(values, (stages,))
    if built is None:
        (passes, momenta), base = own_interpolant(tableau), stages
    else:
        (passes, momenta), base = built_interpolant(built), 2
    room = max(stages, base + len(passes[-1].nodes))
    interpolant, kept = pack_passes(passes)
    data = NystromData(
        stages=stages,
        fsal=int(tableau.fsal),
        built=int(built is not None),
        base=base,
        room=room,
        interpolant=interpolant,
        momenta=momenta.ctypes.data,
        **{key: array.ctypes.data for key, array in fields.items()},
    )
    vectors = OWN + room + 1 + base + len(passes[-1].nodes)
    return Numbers(data, vectors, len(passes[-1].weights), (*fields.values(), momenta, *kept))


def context(kernels: Any, method: Any) -> tuple[int, Any]:
    """The kernels of the halves, and which state is in which."""
    halves = halves_of(kernels, method)
    if halves.unsteady:
        raise ValueError(
            f"{method.name} solves second-order equations q'' = f(t, q), with q' linear in p, "
            f"but {halves.unsteady}: take 'Vern7', or 'KahanLi8' with steps of one size"
        )
    masks = np.zeros((2, -(-kernels.n // LANES) * LANES))
    masks[0, list(halves.positions)] = 1.0
    masks[1, list(halves.momenta)] = 1.0
    kept = SecondOrderContext(
        rates=kernels.address("rhs_positions"),
        accelerations=kernels.address("accelerations"),
        positions=masks[0].ctypes.data,
        momenta=masks[1].ctypes.data,
    )
    return ctypes.addressof(kept), (kept, masks)


def memory(method: Any, n: int, padded: int) -> int:
    """Whether the first stage has been evaluated in this run."""
    return 1


FAMILY = Family("nystrom", pack, implicit=False, present=0.7, previous=0.4, context=context, memory=memory)
