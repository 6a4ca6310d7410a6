"""Derivatives by a delay of neutral equations: columns read x''(t - tau), which interpolants must have."""

from __future__ import annotations

from typing import Any

from symde.codegen.delays import DELAYED

FLAT = frozenset({"esdirk", "additive"})
"""Families whose interpolants are made of the ends of steps and few stages: where steps are short beside what
moves, their second derivatives are rounding and errors of stages, which a neutral equation hands on."""


def refuse_flat_interpolants(system: Any, methods: Any) -> None:
    """Refuse columns that read second derivatives of interpolants that have none to speak of.

    Args:
        system: The model with columns.
        methods: That solve it.

    Raises:
        ValueError: they do, with methods that can.
    """
    flat = [one.name for one in methods if one.family in FLAT]
    if flat and _reads_curvature(system.kernels):
        raise ValueError(
            f"derivatives by a delay of `x'(t - tau)` read x'', which the interpolants of "
            f"{' and '.join(flat)} do not have to the tolerance: take Rodas5P, Radau, or an explicit method "
            "such as Tsit5"
        )


def _reads_curvature(kernels: Any) -> bool:
    """Whether right-hand sides read a delayed second derivative."""
    lowered, graph = kernels.lowered, kernels.graph
    places = {2 * j for j, pair in enumerate(lowered.delays.pairs) if pair.order > 1}
    curved = {graph.input(DELAYED, place) for place in places}
    return not curved.isdisjoint(graph.reachable(lowered.rhs))
