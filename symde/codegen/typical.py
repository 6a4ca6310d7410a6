"""Typical values of a model's Jacobian: where rows have no shift, pivots must be chosen that are not zero."""

from __future__ import annotations

import numpy as np

from symde.codegen.evaluate import evaluate
from symde.codegen.model_kernels import ModelGraph
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
        values = evaluate(model.lowered.graph, nodes, 0.0, {"u": u, "p": p})
    return [float(values[node]) for node in nodes]
