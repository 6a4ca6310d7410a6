"""Which methods have whole steps, by the entry of their loop; and the derivatives of any of them."""

from __future__ import annotations

import importlib
import math
from typing import Any

from symde.codegen.derivatives import adjoint, tangents
from symde.codegen.graph import ARITY
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.noise_steps.step import NoiseEquation, NoiseStep, TooLong

WRITERS = {"euler_maruyama": "euler", "milstein": "euler", "sri": "sri", "sra": "sra", "ri": "ri"}
"""The module that writes the steps of a loop, as a function of the loop's name."""

LIMIT = 4000
"""Operations above which a step is left to the general loop: a kernel of so many takes 0.4 s to compile, and
most of a step is then drift and diffusion."""

DERIVED = 2
"""Times as many of the derivatives of a step."""


def lane_step(equation: NoiseEquation, method: Any) -> Kernel | None:
    """The step of a method as a kernel for lanes: from `u` to `u_new`.

    Args:
        equation: Drift and diffusion.
        method: Its loop (`entry`), its coefficients (`tableau`) and how it draws numbers (`per_motion`).

    Returns:
        None for methods that have none, and where it would be too long or calls functions from outside.
    """
    module, graph = WRITERS.get(method.entry), equation.graph
    if module is None:
        return None
    roots = [*equation.drift, *equation.diffusion]
    if any(graph.args[node] and graph.op[node] not in ARITY for node in graph.reachable(roots)):
        return None
    work = NoiseStep(equation, method.per_motion, LIMIT)
    write = getattr(importlib.import_module(f"symde.codegen.noise_steps.{module}"), method.entry)
    try:
        return work.kernel(f"{method.entry}_lanes", write(work, method.tableau))
    except TooLong:
        return None


def lane_pull(equation: NoiseEquation, method: Any) -> Kernel | None:
    """Derivatives of a weighted sum of the states after a step, by those before it and by the parameters, as
    a kernel for lanes: it reads the weights in `adjoint`. None where there is no step, or this would be too
    long."""
    step = lane_step(equation, method)
    if step is None:
        return None
    graph, new = step.graph, step.outputs[0].nodes
    n, m = len(new), equation.parameters
    weights = [graph.input("adjoint", k) for k in range(n)]
    variables = [graph.input("u", k) for k in range(n)] + [graph.input("p", j) for j in range(m)]
    nodes = tuple(adjoint(graph, new, weights, variables))
    outputs = Output("by_states", nodes[:n]), Output("by_parameters", nodes[n:])
    return _derived(step, "back", {"adjoint": n}, outputs)


def lane_push(equation: NoiseEquation, method: Any) -> Kernel | None:
    """Derivatives of the states after a step along a direction of those before it, `direction`, and of the
    parameters, `changes`, as a kernel for lanes. None where there is no step, this would be too long, or
    states have domains: at their ends a derivative may be infinite that counts for nothing."""
    step = lane_step(equation, method)
    if step is None or any(math.isfinite(end) for ends in equation.domains for end in ends):
        return None
    graph, new = step.graph, step.outputs[0].nodes
    n, m = len(new), equation.parameters
    seeds = {graph.input("u", k): {0: graph.input("direction", k)} for k in range(n)}
    seeds |= {graph.input("p", j): {0: graph.input("changes", j)} for j in range(m)}
    zero = graph.constant(0.0)
    nodes = tuple(row.get(0, zero) for row in tangents(graph, new, seeds))
    return _derived(step, "along", {"direction": n, "changes": m}, (Output("u_new", nodes),))


def _derived(step: Kernel, name: str, lengths: dict[str, int], outputs: tuple[Output, ...]) -> Kernel | None:
    inputs = tuple(Vector(one.name, lengths.get(one.name, one.length)) for one in step.inputs)
    kernel = Kernel(f"{step.name}_{name}", step.graph, inputs, outputs)
    return kernel if len(kernel.nodes()) <= DERIVED * LIMIT else None
