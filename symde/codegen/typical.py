"""Typical values of a model's Jacobian: where rows have no shift, pivots must be chosen that are not zero."""

from __future__ import annotations

import numpy as np

from symde.codegen.delays import DELAYED
from symde.codegen.evaluate import evaluate
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.root_set import SIDES, Released
from symde.codegen.start import ModelStart


def typical_jacobian(model: ModelGraph) -> list[float]:
    """J's entries at the model's own start where it has one, moved a little, since a start is often where
    something vanishes; else at values as good as any."""
    definition, draw = model.definition, np.random.default_rng(5)
    n, m = len(definition.states), len(definition.parameters)
    start = ModelStart(definition)
    try:
        p = start.parameters({})
        u = start.initial(p, 0.0, {})
    except KeyError:  # the model gives no values
        p, u = draw.uniform(0.5, 1.5, m), draw.uniform(0.5, 1.5, n)
    u = u * draw.uniform(0.95, 1.05, n) + 1e-3 * draw.uniform(0.5, 1.5, n)
    nodes = model.jacobian.nodes
    with np.errstate(all="ignore"):
        inputs = {"u": u, "p": p, DELAYED: _past(model, u, draw), SIDES: Released()}
        values = evaluate(model.lowered.graph, nodes, 0.0, inputs)
    return [float(values[node]) for node in nodes]


def _past(model: ModelGraph, u: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Delayed values near the start's own, and derivatives as good as any."""
    delays = model.lowered.delays
    pairs = () if delays is None else delays.pairs
    values = draw.uniform(0.5, 1.5, 2 * len(pairs))
    for j, pair in enumerate(pairs):
        if pair.order == 0:
            values[2 * j] *= u[pair.state]
    return values
