"""What switches inside equations where a solve has ended, in models whose switches are no modes.

Where constraints with switches were differentiated, with delays, and in models of many switches branches are
evaluated as they stand. Where an algebraic variable jumps with one, no step is small enough for the error
test; a solution that both sides of a jump lead back to it takes ever smaller ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

JUMPS = frozenset({"sign", "floor", "ceil", "mod", "lt", "le"})
"""Operations that may jump."""

NEAR = 1e-6
"""How near the two sides of a comparison are where it is about to change, in relation to their sizes."""


def unlocated_switch(system: Any, t: float, u: np.ndarray, p: np.ndarray) -> str:
    """The switch that a model is at, and a remedy; empty where there is none. What reads the past is not
    looked at."""
    from symde.codegen.delays import DELAYED  # for failures alone
    from symde.codegen.evaluate import evaluate

    if not system.compiled:
        return ""
    kernels = getattr(system.kernels, "model", system.kernels)  # with derivatives beside the states
    if not hasattr(kernels, "lowered"):  # a solve of other equations, backwards
        return ""
    graph, rhs = kernels.graph, kernels.lowered.rhs
    if not any(graph.op[node] in JUMPS for node in graph.reachable(rhs)):
        return ""
    past = [place for vector, place in graph.inputs_read(rhs) if vector == DELAYED]
    unknown = np.full(max(past, default=-1) + 1, np.nan)
    with np.errstate(all="ignore"):
        values = evaluate(graph, rhs, t, {"u": u, "p": p, DELAYED: unknown})
    for node in graph.reachable(rhs):
        arguments = [float(values[one]) for one in graph.args[node]]
        span = graph.span[node]
        if graph.op[node] in JUMPS and span is not None and _switches(graph.op[node], arguments):
            what = f"`{' '.join(span.text.split())}` (line {span.source.position(span.start)[0]})"
            return (
                f"  switch:      {what} changes there, so that the equations may jump\n"
                "  help: in this model jumps are not located inside expressions: let an event change a "
                "discrete variable there, or let the switch be smooth"
            )
    return ""


def _switches(op: str, arguments: Sequence[float]) -> bool:
    """Whether an operation is about to change."""
    first, size = arguments[0], max(1.0, *map(abs, arguments))
    if op in ("lt", "le"):
        return abs(first - arguments[1]) <= NEAR * size
    if op == "sign":
        return abs(first) <= NEAR
    ratio = first / arguments[1] if op == "mod" and arguments[1] else first
    return abs(ratio - round(ratio)) <= NEAR * max(1.0, abs(ratio)) if np.isfinite(ratio) else False
