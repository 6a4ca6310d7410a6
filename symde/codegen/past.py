"""Delayed values of a solution at any times, for observed quantities that read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symde.codegen.delays import DELAYED
from symde.codegen.evaluate import evaluate
from symde.codegen.lower import LoweredModel

if TYPE_CHECKING:
    from symde.problem.solution import Solution


def reads_past(lowered: LoweredModel, node: int) -> bool:
    """Whether a quantity reads delayed values."""
    return any(vector == DELAYED for vector, _ in lowered.graph.inputs_read([node]))


def delayed_values(lowered: LoweredModel, solution: Solution, t: np.ndarray, u: np.ndarray) -> dict[str, Any]:
    """The inputs of the graph at times (n_times,) and states (n_times, n), delayed values among them, which
    are read off the continuous solution and, before it, off the history."""
    graph, delays, problem = lowered.graph, lowered.delays, solution.problem
    assert delays is not None and solution.dense is not None
    start, found = problem.tspan[0], np.zeros((2 * len(delays.pairs), len(t)))
    inputs: dict[str, Any] = {"u": u.T, "p": problem.p, DELAYED: found}
    for time, node in enumerate(delays.times):
        s = np.broadcast_to(evaluate(graph, [node], t, inputs)[node], t.shape)
        old = s < start
        states = solution.dense(np.clip(s, start, solution.dense.end)).T
        for j, pair in enumerate(delays.pairs):
            if pair.time != time:
                continue
            if pair.order:
                raise ValueError(
                    "an observed quantity with a delayed derivative cannot be read off a solution"
                )
            history = delays.history[pair.state]
            before = {"u": solution.dense(np.array([start]))[0], "p": problem.p}
            past = np.broadcast_to(evaluate(graph, [history], s, before)[history], t.shape)
            found[2 * j] = np.where(old, past, states[pair.state])
    return inputs
