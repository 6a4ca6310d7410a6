"""Points of state, parameters and time at which a model is tried."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.codegen.evaluate import evaluate
from symde.codegen.starts import evaluate_initial, evaluate_parameters, evaluate_tspan
from symde.codegen.system import ModelKernels
from symde.model.definition import Definition

Point = tuple[np.ndarray, np.ndarray, float]
"""u, p and t."""

_TRIES = 100
"""Draws for each point that is asked for, since some lie where an equation is not defined."""


def given_point(point: Any) -> Point:
    """A point as a caller gives it."""
    u, p, t = point
    return np.asarray(u, dtype=float), np.asarray(p, dtype=float), float(t)


def random_points(kernels: ModelKernels, count: int, seed: int) -> list[Point]:
    """Points around the model's own values, half to one and a half times as large, where it is finite.

    Raises:
        ValueError: none was found.
    """
    definition, random = kernels.definition, np.random.default_rng(seed)
    u0, p0, t0, t1 = _centre(definition)
    low = [one.bounds[0] if one.bounds else -np.inf for one in definition.parameters]
    high = [one.bounds[1] if one.bounds else np.inf for one in definition.parameters]
    points: list[Point] = []
    for _ in range(_TRIES * count):
        if len(points) == count:
            break
        u = u0 * random.uniform(0.5, 1.5, len(u0))
        p = np.clip(p0 * random.uniform(0.5, 1.5, len(p0)), low, high)
        t = float(random.uniform(t0, t1))
        if np.isfinite(right_hand_side(kernels, u, p, t)).all():
            points.append((u, p, t))
    if not points:
        raise ValueError(f"no point found where `{definition.name}` is finite: give points=[(u, p, t), ...]")
    return points


def _centre(definition: Definition) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Typical state and parameters, and the time span: the model's own, or ones where it gives none."""
    missing = {one.name: one.nominal or 1.0 for one in definition.parameters if one.default is None}
    p = evaluate_parameters(definition, missing)
    t0, t1 = sorted(evaluate_tspan(definition, p) or (0.0, 1.0))
    unset = {one.name: one.nominal or 1.0 for one in definition.states if one.initial is None}
    u = evaluate_initial(definition, p, t0, unset)
    typical = np.array([one.nominal or 1.0 for one in definition.states])
    return np.where(u == 0, typical, u), p, t0, t1


def right_hand_side(kernels: ModelKernels, u: np.ndarray, p: np.ndarray, t: float | np.ndarray) -> np.ndarray:
    """The right-hand side by the interpreter, at one point (n,) or at k points of one argument (n, k)."""
    lowered = kernels.lowered
    values = evaluate(lowered.graph, lowered.rhs, t, {"u": u, "p": p})
    shape = np.broadcast_shapes(u.shape[1:], p.shape[1:], np.shape(t))
    return np.stack([np.broadcast_to(values[node], shape) for node in lowered.rhs]).astype(float)
