"""Newton's iteration for one stage of every member, each with its own end.

The rule is that of the compiled engine: a rate of convergence is measured from the second correction on, and
what is left of the error is believed to be rate/(1 - rate) times the last correction.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, (8.10) to (8.13).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.control import Tolerance
from symde.engine.batched.equation import Equation
from symde.engine.batched.linear import Factors

MOST_ITERATIONS, MOST_TIGHT_ITERATIONS = 8, 40
"""Iterations after which a stage is given up; the second where it is solved more tightly than the tolerance
asks for."""

ROUNDING = 0.1
"""Fraction of the tolerance below which a second correction ends the iteration at any rate."""

TOLERANCE = 0.1
"""What an iteration may leave, in units of the tolerance."""

FINE, ITERATING, DIVERGED, NON_FINITE, SINGULAR = range(5)
"""What is known of a member's stage."""


class Newton(NamedTuple):
    """What a step's iterations hand on: a member's state, and its rate of convergence as last believed."""

    state: Tensor
    contraction: Tensor

    @staticmethod
    def begun(singular: Tensor, finite: Tensor) -> Newton:
        """Before the first stage: an infinite Jacobian makes corrections 0, which is what convergence looks
        like."""
        state = torch.where(finite, torch.where(singular, SINGULAR, FINE), NON_FINITE)
        return Newton(state, torch.ones_like(singular, dtype=torch.float64))

    @property
    def diverged(self) -> Tensor:
        """Whose iteration did not converge."""
        return self.state == DIVERGED


def solve_stage(
    equation: Equation, t: Tensor, u: Tensor, p: Tensor | None, base: Tensor, scaled: Tensor,
    factors: Factors, y: Tensor, newton: Newton, tolerance: Tolerance, tightness: float,
) -> tuple[Tensor, Newton]:  # fmt: skip
    """Solve y = base + scaled*f(t, y) from the guess y for all members that are fine so far."""
    allowed = TOLERANCE * tightness
    most = MOST_ITERATIONS if tightness == 1.0 else MOST_TIGHT_ITERATIONS
    state = torch.where(newton.state == FINE, ITERATING, newton.state)
    contraction, previous = newton.contraction, torch.ones_like(newton.contraction)
    for k in range(most):
        active = state == ITERATING
        if _worth_a_look(k, u) and not bool(active.any()):
            break
        correction = factors.solve(torch.addcmul(base - y, scaled, equation(t, y, p)))
        moved = y + correction
        size = torch.sqrt(tolerance.mean_square(correction, u, moved))
        y = torch.where(active, moved, y)
        aged = _power(torch.clamp(contraction, min=1e-16), 0.8) if k == 0 else size / previous
        contraction = torch.where(active, aged, contraction)
        state = torch.where(active, _judged(k, most, size, contraction, allowed), state)
        previous = size
    state = torch.where(state == ITERATING, DIVERGED, state)
    return y, Newton(state, contraction)


def _judged(k: int, most: int, size: Tensor, rate: Tensor, allowed: float) -> Tensor:
    """The state of a member after correction k of that size."""
    left = rate / (1.0 - rate) * size
    fine = (size == 0.0) | ((rate < 1.0) & (left <= allowed))
    if k > 0:
        fine = fine | (size <= ROUNDING * allowed)
        hopeless = (rate >= 1.0) | (_power(rate, most - 1 - k) / (1.0 - rate) * size > allowed)
        going = torch.where(hopeless, DIVERGED, ITERATING)
    else:
        going = torch.full_like(size, ITERATING, dtype=torch.int64)
    judged = torch.where(fine, FINE, going)
    return torch.where(size < math.inf, judged, NON_FINITE)


def _power(base: Tensor, exponent: float) -> Tensor:
    """base**exponent for a positive base, to the same last bit wherever a member stands."""
    return torch.exp(torch.log(base) * exponent)


def _worth_a_look(k: int, u: Tensor) -> bool:
    """On a CPU a look is cheap; elsewhere it waits for all that was asked for, and most stages take 3
    corrections."""
    return k > 0 and (u.device.type == "cpu" or k % 3 == 0)
