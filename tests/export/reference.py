"""What printed source is held against: the graph's interpreter, and how far rounding may take one from it."""

from __future__ import annotations

import numpy as np

import symde
from symde.codegen.evaluate import FUNCTIONS, evaluate
from symde.codegen.graph import Graph
from symde.codegen.model_kernels import ModelGraph

QUANTITIES = ("rhs", "jacobian", "parameter_jacobian", "time_gradient", "observables")


class Reference:
    """A model's quantities by the graph's interpreter, with the size of what was summed up on the way."""

    def __init__(self, model: symde.Model) -> None:
        self.model = model
        self.definition = self.model.definition
        self.graph = ModelGraph(self.definition)
        self.n, self.m = len(self.model.state_names), len(self.model.parameter_names)
        self.given = {name: 0.9 for name in self.missing(self.definition.parameters, "default")}

    @staticmethod
    def missing(parts, attribute: str) -> list[str]:
        return [one.name for one in parts if getattr(one, attribute) is None]

    def of(self, quantity: str, t: float, u: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Value and scale of a quantity; Jacobians dense."""
        lowered = self.graph.lowered
        shapes = {
            "rhs": (lowered.rhs, (self.n,)),
            "time_gradient": (self.graph.time_gradient, (self.n,)),
            "observables": (lowered.observables, (len(lowered.observables),)),
        }
        if quantity in shapes:
            nodes, shape = shapes[quantity]
            places = list(range(len(nodes)))
        else:
            entries = getattr(self.graph, quantity)
            nodes, shape = entries.nodes, (self.n, self.n if quantity == "jacobian" else self.m)
            rows = np.repeat(np.arange(self.n), np.diff(entries.indptr))
            places = list(zip(rows, entries.indices, strict=True))
        values = evaluate(lowered.graph, nodes, t, {"u": u, "p": p})
        sizes = magnitudes(lowered.graph, nodes, values)
        value, scale = np.zeros(shape), np.zeros(shape)
        for place, node in zip(places, nodes, strict=True):
            value[place], scale[place] = values[node], sizes[node]
        return value, scale


def magnitudes(graph: Graph, roots, values) -> dict[int, float]:
    """For every node how large its rounding errors may be, in units of one relative rounding.

    The error of an operation is some roundings of its result plus the errors of its arguments times its
    partial derivatives, taken here by central differences of the operation itself; leaves are exact.
    """
    sizes: dict[int, float] = {}
    for node in graph.reachable(roots):
        op, args = graph.op[node], graph.args[node]
        size = 4.0 * abs(float(values[node])) if args else 0.0
        numbers = [float(values[one]) for one in args]
        for place, one in enumerate(args):
            if op in ("lt", "le", "eq", "and", "or", "not", "floor", "ceil", "sign") or sizes[one] == 0.0:
                continue
            step = 1e-6 * max(abs(numbers[place]), 1e-3)
            ends = []
            for sign in (-1, 1):
                moved = [*numbers[:place], numbers[place] + sign * step, *numbers[place + 1 :]]
                with np.errstate(all="ignore"):
                    ends.append(float(FUNCTIONS[op](*moved)))
            size += sizes[one] * abs(ends[1] - ends[0]) / (2 * step)
        sizes[node] = size
    return sizes


def agree(value: np.ndarray, expected: tuple[np.ndarray, np.ndarray]) -> None:
    """Equal to a few roundings (2.2e-16) of the terms that were summed."""
    exact, scale = expected
    assert value.shape == exact.shape
    assert np.all(np.isfinite(exact))
    assert np.all(np.abs(value - exact) <= 4.4e-16 * scale), np.abs(value - exact) / (scale + 1e-300)
