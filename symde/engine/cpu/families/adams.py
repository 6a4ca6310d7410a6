"""Adams methods of variable step and order in memory, and what they keep between steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers
from symde.engine.cpu.layout import int64, structure

ROW = 16
"""Room for coefficients: more than the highest order + 2, and whole lanes."""

ORDER, USED, KNOWN, CLIMBING, FAILURES, TIME = range(6)
"""Places of single numbers in memory: orders of the next step and of the last accepted one, past steps known,
whether the order still climbs from the start, successive rejections, the time to which the differences
belong."""

DISTANCE, NEXT_DISTANCE, BETA, SIGMA, G, ALPHA, WORK, PREDICTOR = (ROW * place for place in range(1, 9))
"""Places of rows in memory: distances from t to each time before it, now and after the attempt, and the
coefficients of the attempt."""

POLYNOMIALS = ROW * 9
"""ROW x ROW coefficients of the interpolant's polynomials."""

DIFFERENCES = ROW * (9 + ROW)
"""ROW vectors: the modified divided differences at t."""

AdamsData = structure(
    "AdamsData",
    "Adams formulas of orders up to `order`.",
    order=int64,
    constants=int64,  # |gamma*_j|, order + 2
    moments=int64,  # 1 / ((i + 1) (i + 2)), order + 2: where the recursion of g begins
)


def pack(method: Any) -> Numbers:
    """The highest order and the error constants."""
    constants = np.array(method.constants)
    places = np.arange(1.0, method.order + 3)
    moments = 1 / (places * (places + 1))
    data = AdamsData(order=method.order, constants=constants.ctypes.data, moments=moments.ctypes.data)
    # the stages are f at the start, its correction, and the predicted f
    return Numbers(data, 3, method.order + 1, (constants, moments))


def memory(method: Any, n: int, padded: int) -> int:
    """Single numbers, coefficients and differences."""
    return DIFFERENCES + ROW * padded


def undone(method: Any, n: int, padded: int) -> tuple[tuple[int, int], ...]:
    """Orders and distances: the differences stay those at the start of a step until the next one."""
    return (0, TIME), (DISTANCE, ROW)


FAMILY = Family("adams", pack, implicit=False, controls=True, memory=memory, undone=undone, multistep=True)
