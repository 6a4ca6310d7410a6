"""The iteration of Radau IIA methods: matrices, the first guess, and Newton's corrections.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8: (8.4) to (8.5) the
transformation, (8.10) to (8.14) the iteration and its start.
"""

from __future__ import annotations

import math

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.control import larger
from symde.engine.cpu.compiled.kernels import begins_anew, evaluate
from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.mass import mass_times
from symde.engine.cpu.compiled.newton import PROMISED
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_solve,
    call_step,
    compiled,
    doubles,
    integers,
)
from symde.engine.cpu.compiled.radau_memory import (
    SLOW,
    block,
    context_at,
    generated_data_at,
    most_iterations,
    predictor,
    system_at,
    table_at,
)
from symde.engine.cpu.compiled.vectors import clear, weighted_sums
from symde.engine.cpu.families.radau import (
    RATIO,
    RTOL,
    SQUARE,
    SYSTEM_BYTES,
)
from symde.engine.cpu.layout import TINY, Attempt, Stage0

KAPPA = 0.03
"""Newton stops when what is left is below this fraction of the tolerance: Hairer & Wanner II, (8.10)."""

ROUNDING = 1e-14
"""Corrections stop shrinking at about this fraction of the solution."""


@compiled
def factorise(state, address, slot, memory, table):
    """All systems for the present step; the solver's code."""
    context = context_at(slot.context)
    h = state.h
    memory.factored_h = 0.0
    state.shift = table.gamma / h
    code = call_step(state.factor, address)
    if code != Attempt.FINE:
        return code
    alpha, beta = doubles(table.alpha), doubles(table.beta)
    for k in range(table.pairs):
        at = context.systems + k * SYSTEM_BYTES
        system = system_at(at)
        system.padded, system.jacobian = state.padded, state.jacobian
        system.row_pointers, system.columns, system.mass = state.row_pointers, state.columns, state.mass
        system.alpha, system.beta = alpha[k] / h, beta[k] / h
        system.context = integers(state.inputs)[CONTEXT]
        code = call_step(context.factor, at)
        if code != Attempt.FINE:
            return code
    memory.factored_h = h
    return code


@compiled
def ready(state, address, slot, memory, table):
    """f and, where it is due, its Jacobian at (t, u), and the factorisations for this step."""
    stale = begins_anew(state) or not state.jacobian_known or not memory.rate <= SLOW
    if stale and not (state.jacobian_fresh and state.stage0 == Stage0.VALID):
        if linearise(state, state.rhs_jacobian) != 0:
            return Attempt.CALLBACK.value
        state.jacobian_known = 1
        memory.factored_h = 0.0
    elif state.stage0 != Stage0.VALID:
        if evaluate(state, state.t, state.u, state.f0) != 0:
            return Attempt.CALLBACK.value
        state.stage0 = Stage0.VALID
    if memory.factored_h != state.h or state.renewed:
        state.renewed = 0
        return factorise(state, address, slot, memory, table)
    return Attempt.FINE.value


# -- the first guess


@compiled
def make_predictor(slot, last, table, ratio):
    """W = T^-1 (q(1 + ratio c) - q(1)) as a matrix that acts on the last stages."""
    matrix, c = doubles(predictor(slot)), doubles(table.c)
    inverse, coefficients = doubles(table.t_inverse), doubles(last.interpolant)
    new, old = table.stages, last.stages
    for k in range(new * old):
        matrix[k] = 0.0
    for i in range(new):
        x = 1.0 + ratio * c[i]
        power = 1.0
        for m in range(old):
            power *= x
            for j in range(old):
                weight = (power - 1.0) * coefficients[m * old + j]
                for k in range(new):
                    matrix[k * old + j] += inverse[k * new + i] * weight


@compiled
def guess(state, slot, data, memory, kernel, ratio):
    """The same by the model's own kernel."""
    context, padded = context_at(slot.context), state.padded
    inputs, outputs = integers(context.inputs), integers(context.outputs)
    memory.ratio = ratio
    inputs[0], inputs[1] = block(slot, data, padded, memory.parity), slot.memory + RATIO
    outputs[0], outputs[1] = block(slot, data, padded, 2), block(slot, data, padded, 1 - memory.parity)
    call_kernel(kernel, 0.0, context.inputs, context.outputs)


@compiled
def predict(state, slot, data, memory, table):
    """The first guess of W and Z: the last step's polynomial goes on, or nothing is known."""
    padded, stages = state.padded, table.stages
    w, z = block(slot, data, padded, 2), block(slot, data, padded, 1 - memory.parity)
    if begins_anew(state) or not memory.known:
        clear(padded * stages, w)
        clear(padded * stages, z)
        return
    ratio = state.h / state.h_old
    kernel = integers(context_at(slot.context).kernels)[2 * memory.table]
    if slot.step != 0 and kernel != 0 and memory.table == memory.last_table:
        guess(state, slot, data, memory, kernel, ratio)
        return
    last = table_at(data, memory.last_table)
    if ratio != memory.ratio:
        make_predictor(slot, last, table, ratio)
        memory.ratio = ratio
    previous, count = block(slot, data, padded, memory.parity), last.stages
    weighted_sums(padded, 1.0, predictor(slot), stages, count, previous, w)
    transform(padded, stages, table.t, w, z)


@compiled
def transform(padded, stages, matrix, source, target):
    """target = matrix source, stage by stage."""
    weighted_sums(padded, 1.0, matrix, stages, stages, source, target)


# -- Newton's iteration


@compiled
def evaluate_stages(state, table, z, f):
    """F_i = f(t + c_i h, u + Z_i); the kernel's code."""
    padded, c, u, stage = state.padded, doubles(table.c), doubles(state.u), doubles(state.stage)
    for i in range(table.stages):
        x = doubles(z + 8 * padded * i)
        for k in range(padded):
            stage[k] = u[k] + x[k]
        if evaluate(state, state.t + c[i] * state.h, state.stage, f + 8 * padded * i) != 0:
            return 1
    return 0


@compiled
def subtract_multiples(padded, rhs, w, x, y):
    """The two parts of rhs - (x + iy) w."""
    a, b = doubles(rhs), doubles(rhs + 8 * padded)
    p, q = doubles(w), doubles(w + 8 * padded)
    for i in range(padded):
        a[i] -= x * p[i] - y * q[i]
        b[i] -= x * q[i] + y * p[i]


@compiled
def mass_of_stages(state, w, count):
    """M times one or two stages, at the address that is returned."""
    for k in range(count):
        at = 8 * state.padded * k
        mass_times(state, w + at, state.mass_work + at)
    return state.mass_work


@compiled
def right_sides(state, table, f, w, rhs):
    """The right sides of the real and the complex systems."""
    padded, h = state.padded, state.h
    transform(padded, table.stages, table.t_inverse, f, rhs)
    at = w if state.mass == 0 else mass_of_stages(state, w, 1)
    r, first, shift = doubles(rhs), doubles(at), table.gamma / h
    for i in range(padded):
        r[i] -= shift * first[i]
    alpha, beta = doubles(table.alpha), doubles(table.beta)
    for k in range(table.pairs):
        place = 8 * padded * (1 + 2 * k)
        at = w + place if state.mass == 0 else mass_of_stages(state, w + place, 2)
        subtract_multiples(padded, rhs + place, at, alpha[k] / h, beta[k] / h)


@compiled
def solve_systems(state, address, slot, table, first, rhs, solutions):
    """The corrections of W; the solver's code. The first real solution of a step is checked."""
    context, padded = context_at(slot.context), state.padded
    solver = state.solve if first else state.substitute
    code = call_solve(solver, address, rhs, solutions)
    if code != Attempt.FINE:
        return code
    for k in range(table.pairs):
        at, system = 8 * padded * (1 + 2 * k), context.systems + k * SYSTEM_BYTES
        code = call_solve(context.solve, system, rhs + at, solutions + at)
        if code != Attempt.FINE:
            return code
        state.pivotings += system_at(system).pivotings
        system_at(system).pivotings = 0
    return code


@compiled
def add_corrections(state, table, corrections, w, z):
    """W and Z with their corrections, and the corrections' mean square over the tolerance, of the block or
    column where it is largest."""
    padded, stages = state.padded, table.stages
    d, x = doubles(corrections), doubles(w)
    for i in range(padded * stages):
        x[i] += d[i]
    transform(padded, stages, table.t, w, z)
    blocks, worst = integers(state.blocks), 0.0
    last = z + 8 * padded * (stages - 1)
    for b in range(state.n_blocks):
        start, rows, columns = blocks[3 * b], blocks[3 * b + 1], blocks[3 * b + 2]
        for c in range(columns):
            total = corrections_square(state, stages, corrections, last, start + c, rows, columns)
            worst = larger(worst, total / (rows * stages))
    return worst


@compiled
def corrections_square(state, stages, corrections, last, start, length, stride):
    """The sum of squares of one block's corrections of all stages, or of one column's, over the tolerance."""
    u, atol, rtol = doubles(state.u), doubles(state.atol), state.rtol
    d, z, padded = doubles(corrections), doubles(last), state.padded
    total = 0.0
    for i in range(start, start + length * stride, stride):
        old, new = abs(u[i]), abs(u[i] + z[i])
        # its square would underflow where a state and its tolerance are both zero
        inverse = 1.0 / (atol[i] + rtol * (old if old > new else new) + TINY)
        for k in range(stages):
            ratio = inverse * d[k * padded + i]
            total += ratio * ratio
    return total


@compiled
def general_iteration(state, address, slot, data, memory, table, first):
    """One correction of W and Z; FINE or the code of a kernel or a solver; its mean square in `square`."""
    padded = state.padded
    z, w = block(slot, data, padded, 1 - memory.parity), block(slot, data, padded, 2)
    rhs, f = block(slot, data, padded, 3), block(slot, data, padded, 4)
    if evaluate_stages(state, table, z, f) != 0:
        return Attempt.CALLBACK.value
    right_sides(state, table, f, w, rhs)
    code = solve_systems(state, address, slot, table, first, rhs, f)
    if code == Attempt.FINE:
        memory.square = add_corrections(state, table, f, w, z)
    return code


@compiled
def ready_kernel(state, slot, data, memory, table):
    """Address of the kernel for a whole iteration, its tables filled; 0 where the general one is used."""
    context, padded = context_at(slot.context), state.padded
    kernel = integers(context.kernels)[2 * memory.table + 1]
    if slot.step == 0 or kernel == 0 or state.pivoted or pivoted(context, table):
        return 0
    inputs, outputs, known = integers(context.inputs), integers(context.outputs), integers(state.inputs)
    for k in range(9):  # the model's own and the step
        inputs[k] = known[k]
    inputs[0] = state.u
    doubles(state.step_size)[0] = state.h
    z, w = block(slot, data, padded, 1 - memory.parity), block(slot, data, padded, 2)
    inputs[9], inputs[10], inputs[11], inputs[12] = slot.memory + RTOL, state.atol, w, z
    inputs[13] = integers(generated_data_at(state.linear).factor_outputs)[0]
    inputs[14] = system_at(context.systems).factors
    outputs[0], outputs[1], outputs[2] = w, z, slot.memory + SQUARE
    memory.rtol = state.rtol
    return kernel


@compiled
def pivoted(context, table):
    """Whether one of the complex systems in use has factors that no kernel knows. What those of other
    formulas have is of steps long ago, or of another run."""
    for k in range(table.pairs):
        if system_at(context.systems + k * SYSTEM_BYTES).pivoted:
            return True
    return False


@compiled
def generated_iteration(state, slot, table, kernel):
    """The same by the model's own kernel."""
    context = context_at(slot.context)
    state.evaluations += table.stages
    state.solves += 1
    return call_kernel(kernel, state.t, context.inputs, context.outputs)


@compiled
def newton(state, address, slot, data, memory, table):
    """Solve the stage equations from the guess in W and Z; FINE, DIVERGED or what a solver or kernel says."""
    most = most_iterations(state, table.stages)
    kernel = ready_kernel(state, slot, data, memory, table)
    reach = math.sqrt(max(memory.reach, 1e-16))
    memory.reach = reach * math.sqrt(reach)  # aged: it may not promise for ever
    memory.cut = 0.5
    kappa = state.tightness * tightness(memory)
    previous, rate_before = 0.0, 0.0
    for k in range(most):
        if kernel != 0:
            code = generated_iteration(state, slot, table, kernel)
        else:
            code = general_iteration(state, address, slot, data, memory, table, k == 0)
        if code != Attempt.FINE:
            return code
        state.iterations += 1
        memory.iterations = k + 1
        size = math.sqrt(memory.square)
        if not size < math.inf:
            return Attempt.NON_FINITE.value
        if k > 0:
            rate = size / previous
            memory.rate = rate if k == 1 else math.sqrt(rate * rate_before)
            rate_before = rate
            if not memory.rate < 0.99:
                return Attempt.DIVERGED.value
            memory.reach = memory.rate / (1.0 - memory.rate)
            if memory.reach * size > kappa and too_slow(memory, most - 1 - k, size / kappa):
                return Attempt.DIVERGED.value
        if memory.reach * size <= kappa and (k > 0 or size * state.rtol <= PROMISED):
            return Attempt.FINE.value
        previous = max(size, 1e-16)
    return Attempt.DIVERGED.value


@compiled
def tightness(memory):
    """The bound of what is left of the error, above what rounding leaves: Hairer & Wanner II, (8.10)."""
    if memory.relative == 0.0:
        return KAPPA
    return min(max(KAPPA, ROUNDING / memory.relative), 0.5)


@compiled
def too_slow(memory, left, size):
    """Whether the iterations that are left are not enough, for a correction of `size` over its bound.

    Then `cut` tells how much smaller a step would have been solved with them: Hairer & Wanner II, (8.13).
    """
    missing = memory.reach * size
    for _ in range(left):
        missing *= memory.rate
    if missing < 1.0:
        return False
    memory.cut = 0.8 * min(missing, 20.0) ** (-1.0 / (4.0 + left))
    return True
