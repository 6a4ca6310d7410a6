"""What derivatives that will be read later are off by: the defect of the interpolant, as a part of the error.

A delayed derivative is that of the interpolant P. It misses the solution's by the defect P' - f(t, P, ...),
but for terms of higher order. Over the time until the whole step has been read (the delay, or the step where
that is longer) it adds up to that time times the defect, and this joins the error of the step in the states
whose derivatives are read. With the step alone in place of the delay the error would fall with a lower
power of the tolerance than that of the step, which is of higher order than its estimate. The defect
vanishes at both ends of a step and, as the step is of higher order than the interpolant, once between: it is
taken where it is near its largest on either side. Columns of sensitivities have no say in it.

Where the equation is stiff, f multiplies what P is off by. With implicit methods the defect counts for no
more than the part of P' that the next lower degree would leave out.

Sources: W. H. Enright, H. Hayashi, Convergence analysis of the solution of retarded and neutral delay
differential equations by continuous numerical methods, SIAM Journal on Numerical Analysis 35 (1998) 572-585;
L. F. Shampine, Solving ODEs and DDEs with residual control, Applied Numerical Mathematics 52 (2005) 113-127.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.delay_repeats import interpolate_attempt
from symde.engine.cpu.compiled.delays import derivative_in_row, value_in_row
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at, state_at
from symde.engine.cpu.layout import Attempt

MANY = 100.0
"""Steps like this one that may lie within a delay."""

SHORT = 1e-6
"""Part of a delay below which a step is no example for others: something jumps there that no step ends at,
and the defect does not vanish with the step."""

SAMPLES = (0.22, 0.78)
"""Parts of the step at which the defect is taken."""


@compiled
def left_out(state, degree, i):
    """h times the largest value of what P' of component i would lose with its degree lowered by one: the part
    along the Legendre polynomial of its own degree, whose largest value on [0, 1] is 1/binomial(2d, d) where
    its leading factor is 1."""
    while degree > 1 and doubles(state.coefficients)[degree * state.padded + i] == 0.0:
        degree -= 1  # a method of several orders has made this step with a lower one
    lost = abs(degree * doubles(state.coefficients)[degree * state.padded + i])
    for m in range(1, degree):
        lost *= m / (4.0 * m - 2.0)
    return lost


@compiled
def time_of(data, q, size):
    """The time over which the defect in the state `derived[q]` adds up: the delay, but no less than the step
    and no more than `MANY` of them, or hardly more than the step itself where that is very short."""
    k = integers(data.derived_times)[q]
    if integers(data.constant)[k]:
        delay = doubles(data.lags)[k]
    else:
        delay = state_at(data.state).t - doubles(data.s)[k]
    if not delay > size:
        return size
    return size * min(delay / size, MANY, 1.0 + size / (SHORT * delay))


@compiled
def add_defect(state, data, address):
    """Let the error of the attempt be no less than what the defect says, in states whose derivatives are
    read; the code."""
    if interpolate_attempt(state, data, address, data.own) != 0:
        return Attempt.CALLBACK.value
    slot, n, error = slot_at(state, state.active), state.n, doubles(state.error)
    read, at, slope = integers(data.derived), doubles(data.trial), doubles(data.defect)
    inverse = 1.0 / state.h
    for share in SAMPLES:
        t = state.t + share * state.h
        for i in range(n):
            at[i] = value_in_row(data.own, inverse, n, slot.degree, i, t)
        if evaluate(state, t, data.trial, data.defect) != 0:
            return Attempt.CALLBACK.value
        for q in range(data.n_derived):
            i = read[q]
            defect = derivative_in_row(data.own, inverse, n, slot.degree, i, 1, t) - slope[i]
            size = time_of(data, q, abs(state.h)) * abs(defect)
            if slot.implicit:
                size = min(size, left_out(state, slot.degree, i))
            if not size <= abs(error[i]):
                error[i] = size
    return Attempt.FINE.value
