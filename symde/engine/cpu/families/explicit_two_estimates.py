"""Explicit methods with two error estimates in memory: an explicit tableau and one more row of weights."""

from __future__ import annotations

from typing import Any

from symde.engine.cpu.families import explicit
from symde.engine.cpu.family import Family, Numbers, matrix
from symde.engine.cpu.layout import int64, structure

_COMMON: dict[str, Any] = {field[0]: field[1] for field in explicit.ExplicitData._fields_}

TwoEstimatesData = structure(
    "TwoEstimatesData",
    "An explicit Runge-Kutta tableau with the fine estimate, and the weights of the coarse one.",
    **_COMMON,
    coarse_error=int64,
)


def pack(tableau: Any) -> Numbers:
    """A tableau's numbers, the explicit ones first, so that the steps of that family read them."""
    common = explicit.pack(tableau)
    coarse_error = matrix(tableau.coarse_error, (common.stages,))
    fields = {name: getattr(common.data, name) for name in _COMMON}
    data = TwoEstimatesData(**fields, coarse_error=coarse_error.ctypes.data)
    kept = *common.kept, coarse_error
    return Numbers(data, common.stages, common.degree, kept, common.interpolant)


FAMILY = Family("explicit_two_estimates", pack, implicit=False, present=0.7, previous=0.4)
