"""Interpolants built pass by pass in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.layout import int64, structure

HermiteData = structure(
    "HermiteData",
    "Passes of an interpolant, one after another: how many nodes each has, the nodes, the weights by rows.",
    passes=int64,
    counts=int64,
    nodes=int64,
    weights=int64,
)


def pack_passes(passes: Any) -> tuple[Any, tuple[Any, ...]]:
    """The numbers of passes (`symde.engine.methods.hermite`), and the arrays they are kept in."""
    counts = np.array([len(one.nodes) for one in passes], dtype=np.int64)
    nodes = np.array([float(node) for one in passes for node in one.nodes] or [0.0])
    weights = np.concatenate([one.weights.ravel() for one in passes])
    data = HermiteData(
        passes=len(passes), counts=counts.ctypes.data, nodes=nodes.ctypes.data, weights=weights.ctypes.data
    )
    return data, (counts, nodes, weights)
