"""One step of an explicit Runge-Kutta method that weighs two error estimates against each other.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.10, error
estimation of the method of order 8.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.control import error_norm
from symde.engine.cpu.compiled.explicit import advance_explicit, interpolate
from symde.engine.cpu.compiled.pointers import compiled, doubles, slot_at, state_at, structure_at
from symde.engine.cpu.compiled.vectors import weighted_sum
from symde.engine.cpu.families.explicit_two_estimates import TwoEstimatesData
from symde.engine.cpu.layout import TINY, Attempt

two_estimates_at = structure_at(TwoEstimatesData)

COARSE_WEIGHT = 0.01


@compiled
def blend_estimates(state, method):
    """Scale the fine estimate so that its norm is |fine|^2 / sqrt(|fine|^2 + 0.01 |coarse|^2)."""
    weighted_sum(state.padded, state.h, method.coarse_error, method.stages, state.stages, state.stage)
    fine, coarse = error_norm(state, state.error), error_norm(state, state.stage)
    scale = math.sqrt(fine / (fine + COARSE_WEIGHT * coarse + TINY))
    error = doubles(state.error)
    for i in range(state.padded):
        error[i] *= scale


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment, error and the stages."""
    state = state_at(address)
    code = advance_explicit(state)
    if code == Attempt.FINE:
        blend_estimates(state, two_estimates_at(slot_at(state, state.active).data))
    return code


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
