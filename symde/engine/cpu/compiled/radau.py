"""One step of a Radau IIA collocation method, and its control of step and order.

With Z = T W the stage equations fall apart into one real and several complex systems of the model's own size:

    (gamma/h I - J) dW_1 = (T^-1 F)_1 - gamma/h W_1
    ((alpha + i beta)/h I - J) (dW_2 + i dW_3) = (T^-1 F)_2 + i (T^-1 F)_3 - (alpha + i beta)/h (W_2 + i W_3)

with F_i = f(t + c_i h, u + Z_i). Their factorisations are counted as one together, and so are their solves.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8: (8.4) to (8.5) the
transformation, (8.10) to (8.14) the iteration and its start, (8.17) to (8.21) error and step. E. Hairer,
G. Wanner, Stiff differential equations solved by Radau methods, J. Comput. Appl. Math. 111 (1999), section 3,
for the choice of the order.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.explicit import evaluate
from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_solve,
    call_step,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import advance_compensated, clear, copy, weighted_sum
from symde.engine.cpu.families.radau import (
    HEADER,
    RATIO,
    RTOL,
    SQUARE,
    SYSTEM_BYTES,
    TABLE_BYTES,
    ComplexSystem,
    RadauContext,
    RadauData,
    RadauMemory,
    RadauTable,
)
from symde.engine.cpu.layout import TINY, Attempt, Stage0
from symde.engine.cpu.linear_solvers.generated import GeneratedData

data_at = structure_at(RadauData)
table_structure_at = structure_at(RadauTable)
memory_at = structure_at(RadauMemory)
context_at = structure_at(RadauContext)
system_at = structure_at(ComplexSystem)
generated_data_at = structure_at(GeneratedData)

KAPPA = 0.03
"""Newton stops when what is left is below this fraction of the tolerance: Hairer & Wanner II, (8.10)."""

ROUNDING = 1e-14
"""Corrections stop shrinking at about this fraction of the solution."""

SLOW = 1e-3
"""Rate of convergence above which the Jacobian is evaluated anew for the next step."""

SAFETY, SMALLEST_FACTOR, LARGEST_FACTOR = 0.9, 0.125, 5.0
"""Of the step size."""

LEAST_LOG_ERROR = math.log(1e-2)
"""Smaller errors of the step before count as this."""

KEEP_UP_TO = 1.2
"""A step that could grow by less keeps its size, and with it the factorisations."""

RAISE_BELOW, LOWER_ABOVE = 0.002, 0.8
"""Rates of convergence for the choice of the order."""

PATIENCE = 10
"""Attempts after a change of order before the next rise."""


@compiled
def table_at(data, index):
    """A formula of the method."""
    return table_structure_at(data.tables + index * TABLE_BYTES)


@compiled
def block(slot, data, padded, index):
    """Address of a block of stages: 0 and 1 hold Z in turn, 2 W, 3 right sides, 4 solutions and values
    of f."""
    stages = data.most_stages
    header = HEADER + -HEADER % 8 + stages * stages + -(stages * stages) % 8
    return slot.memory + 8 * (header + index * stages * padded)


@compiled
def predictor(slot):
    """Address of the matrix from the last stages to the first guess of W."""
    return slot.memory + 8 * (HEADER + -HEADER % 8)


@compiled
def most_iterations(stages):
    """Source: Hairer & Wanner (1999): 7, and more for more stages."""
    return 7 + (5 * (stages - 3)) // 2


# -- matrices


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
        system.row_pointers, system.columns = state.row_pointers, state.columns
        system.alpha, system.beta = alpha[k] / h, beta[k] / h
        code = call_step(context.factor, at)
        if code != Attempt.FINE:
            return code
    memory.factored_h = h
    return code


@compiled
def ready(state, address, slot, memory, table):
    """f and, where it is due, its Jacobian at (t, u), and the factorisations for this step."""
    stale = state.restarted or not state.jacobian_known or not memory.rate <= SLOW
    if stale and not (state.jacobian_fresh and state.stage0 == Stage0.VALID):
        if linearise(state, state.rhs_jacobian) != 0:
            return Attempt.CALLBACK.value
        state.jacobian_known = 1
        memory.factored_h = 0.0
    elif state.stage0 != Stage0.VALID:
        if evaluate(state, state.t, state.u, state.f0) != 0:
            return Attempt.CALLBACK.value
        state.stage0 = Stage0.VALID
    if memory.factored_h != state.h:
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
    if state.restarted or not memory.known:
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
    for k in range(stages):
        weighted_sum(padded, 1.0, predictor(slot) + 8 * k * count, count, previous, w + 8 * padded * k)
    transform(padded, stages, table.t, w, z)


@compiled
def transform(padded, stages, matrix, source, target):
    """target = matrix source, stage by stage."""
    for k in range(stages):
        weighted_sum(padded, 1.0, matrix + 8 * stages * k, stages, source, target + 8 * padded * k)


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
def right_sides(state, table, f, w, rhs):
    """The right sides of the real and the complex systems."""
    padded, h = state.padded, state.h
    transform(padded, table.stages, table.t_inverse, f, rhs)
    r, first, shift = doubles(rhs), doubles(w), table.gamma / h
    for i in range(padded):
        r[i] -= shift * first[i]
    alpha, beta = doubles(table.alpha), doubles(table.beta)
    for k in range(table.pairs):
        at = 8 * padded * (1 + 2 * k)
        subtract_multiples(padded, rhs + at, w + at, alpha[k] / h, beta[k] / h)


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
    """W and Z with their corrections, and the corrections' mean square over the tolerance."""
    padded, stages, n = state.padded, table.stages, state.n
    d, x = doubles(corrections), doubles(w)
    for i in range(padded * stages):
        x[i] += d[i]
    transform(padded, stages, table.t, w, z)
    u, atol, rtol, last = (
        doubles(state.u),
        doubles(state.atol),
        state.rtol,
        doubles(z + 8 * padded * (stages - 1)),
    )
    total = 0.0
    for i in range(n):
        squares = 0.0
        for k in range(stages):
            squares += d[k * padded + i] * d[k * padded + i]
        old, new = abs(u[i]), abs(u[i] + last[i])
        scale = atol[i] + rtol * (old if old > new else new) + TINY
        total += squares / (scale * scale)
    return total / (n * stages)


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
def ready_kernel(state, slot, data, memory):
    """Address of the kernel for a whole iteration, its tables filled; 0 where the general one is used."""
    context, padded = context_at(slot.context), state.padded
    kernel = integers(context.kernels)[2 * memory.table + 1]
    if slot.step == 0 or kernel == 0 or state.pivoted or pivoted(context, data):
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
def pivoted(context, data):
    """Whether one of the complex systems has factors that no kernel knows."""
    for k in range(data.most_stages // 2):
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
    most = most_iterations(table.stages)
    kernel = ready_kernel(state, slot, data, memory)
    reach = math.sqrt(max(memory.reach, 1e-16))
    memory.reach = reach * math.sqrt(reach)  # aged: it may not promise for ever
    memory.cut = 0.5
    kappa = tightness(memory)
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
        if memory.reach * size <= kappa:
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


# -- error


@compiled
def relative_tolerance(state, z):
    """The tolerance in relation to the size of the solution."""
    u, atol, rtol, n = doubles(state.u), doubles(state.atol), state.rtol, state.n
    last, total = doubles(z), 0.0
    for i in range(n):
        new = abs(u[i] + last[i])
        ratio = new / (atol[i] + rtol * new + TINY)
        total += ratio * ratio
    return math.sqrt(n / (total + TINY))


@compiled
def easing(state, memory, table, last):
    """Factor of the error estimate; kept while the size of the solution is about the same."""
    relative, stages = relative_tolerance(state, last), table.stages
    if not 0.8 < relative / (memory.relative + TINY) < 1.25:
        memory.relative = relative
        memory.easing = min(10.0 * relative ** ((stages - 1.0) / (2.0 * stages)), 1.0)
    return memory.easing


@compiled
def filtered(state, address, f, slope, factor):
    """error = factor * (gamma/h I - J)^-1 (f - slope); the solver's code."""
    x, p, rhs, error = doubles(f), doubles(slope), doubles(state.system_rhs), doubles(state.error)
    for i in range(state.padded):
        rhs[i] = x[i] - p[i]
    code = call_solve(state.solve, address, state.system_rhs, state.error)
    for i in range(state.padded):
        error[i] *= factor
    return code


@compiled
def mean_square(state):
    """Of the error over the tolerance."""
    u, new, error = doubles(state.u), doubles(state.u_new), doubles(state.error)
    atol, rtol, total = doubles(state.atol), state.rtol, 0.0
    for i in range(state.n):
        a, b = abs(u[i]), abs(new[i])
        ratio = error[i] / (atol[i] + rtol * (a if a > b else b) + TINY)
        total += ratio * ratio
    return total / state.n


@compiled
def estimate_error(state, address, slot, data, memory, table):
    """The error estimate, filtered twice where a first one is too large at the start or after a rejection.

    It is of order s only, that of the solution 2 s - 1. It is therefore held against a tolerance that is
    larger by the power (s + 1)/(2 s): with 0.1 rtol^((s + 1)/(2 s)) the error of the solution follows rtol.
    """
    padded, stages = state.padded, table.stages
    z = block(slot, data, padded, 1 - memory.parity)
    slope = block(slot, data, padded, 3)
    weighted_sum(padded, 1.0 / state.h, table.interpolant, stages, z, slope)
    factor = easing(state, memory, table, z + 8 * padded * (stages - 1))
    code = filtered(state, address, state.f0, slope, factor)
    if code != Attempt.FINE or mean_square(state) < 1.0 or not (state.restarted or state.rejected_last):
        return code
    u, error, stage = doubles(state.u), doubles(state.error), doubles(state.stage)
    for i in range(padded):
        stage[i] = u[i] + error[i] / factor
    if evaluate(state, state.t, state.stage, state.stage_f) != 0:
        return Attempt.CALLBACK.value
    return filtered(state, address, state.stage_f, slope, factor)


# -- the step


@compiled
def try_step(state, address, slot, data, memory, table):
    """Matrices, guess, iteration."""
    code = ready(state, address, slot, memory, table)
    if code != Attempt.FINE:
        return code
    predict(state, slot, data, memory, table)
    return newton(state, address, slot, data, memory, table)


@compiled
def factors_are_bad(state, address, slot, data):
    """Whether generated factors, which nothing has tested so far, had to give way to partial pivoting."""
    context, padded = context_at(slot.context), state.padded
    if slot.step == 0 or state.pivoted or pivoted(context, data):
        return False
    rhs, x = block(slot, data, padded, 3), block(slot, data, padded, 4)
    copy(padded, state.f0, rhs)
    copy(padded, state.f0, rhs + 8 * padded)
    call_solve(state.solve, address, rhs, x)
    for k in range(data.most_stages // 2):
        system = context.systems + k * SYSTEM_BYTES
        if system_at(system).untested:
            call_solve(context.solve, system, rhs, x)
            state.pivotings += system_at(system).pivotings
            system_at(system).pivotings = 0
    return state.pivoted or pivoted(context, data)


def attempt(address):
    """Try a step of size h from (t, u)."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    data, memory = data_at(slot.data), memory_at(slot.memory)
    if state.restarted:
        memory.known = 0
        if not state.jacobian_fresh:
            memory.previous_h, memory.reach, memory.rate = 0.0, 1.0, 1.0
    table = table_at(data, memory.table)
    code = try_step(state, address, slot, data, memory, table)
    if code == Attempt.DIVERGED and not state.jacobian_fresh:
        memory.rate, memory.reach = 1.0, 1.0
        code = try_step(state, address, slot, data, memory, table)
    spoiled = code == Attempt.DIVERGED or code == Attempt.NON_FINITE
    if spoiled and factors_are_bad(state, address, slot, data):
        memory.rate, memory.reach = 1.0, 1.0
        code = try_step(state, address, slot, data, memory, table)
    memory.failed = code != Attempt.FINE
    if code != Attempt.FINE:
        return code
    last = block(slot, data, state.padded, 1 - memory.parity) + 8 * state.padded * (table.stages - 1)
    copy(state.padded, last, state.increment)
    advance_compensated(state)
    return estimate_error(state, address, slot, data, memory, table)


def interpolate(address):
    """Coefficients of the collocation polynomial of the last accepted step."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    data, memory = data_at(slot.data), memory_at(slot.memory)
    table, padded = table_at(data, memory.last_table), state.padded
    z = block(slot, data, padded, memory.parity)
    copy(padded, state.u_new, state.coefficients)
    transform(padded, table.stages, table.interpolant, z, state.coefficients + 8 * padded)
    unused = data.most_stages - table.stages
    clear(padded * unused, state.coefficients + 8 * padded * (1 + table.stages))
    return Attempt.FINE


# -- control


@compiled
def safety(memory, table):
    """Less where the iteration took long: Hairer & Wanner II, (8.21)."""
    most = most_iterations(table.stages)
    return SAFETY * (1.0 + 2.0 * most) / (memory.iterations + 2.0 * most)


@compiled
def growth(state, memory, table, log_error):
    """Factor of an accepted step: by its error, and by what it shows together with the one before.

    Source: Gustafsson (1994); Hairer & Wanner II, (8.21) and (8.25).
    """
    exponent = 1.0 / (table.stages + 1.0)
    log_factor = math.log(safety(memory, table)) - exponent * log_error
    if memory.previous_h != 0.0:
        trend = exponent * (memory.previous_log_error - 2.0 * log_error)
        log_factor = min(log_factor, math.log(SAFETY * abs(state.h / memory.previous_h)) + trend)
    return min(max(math.exp(log_factor), SMALLEST_FACTOR), LARGEST_FACTOR)


@compiled
def choose_formula(data, memory, ratio, accepted):
    """The formula of the next attempt by the rate of convergence: Hairer & Wanner (1999), section 3."""
    memory.since_change += 1
    memory.smooth_rate = min(10.0, max(memory.rate, 0.5 * memory.smooth_rate))
    chosen = memory.table
    if memory.iterations > 1 and memory.smooth_rate <= RAISE_BELOW and 0.8 < ratio < 1.2 and accepted:
        if memory.since_change > PATIENCE:
            chosen = min(chosen + 1, data.count - 1)
    if memory.smooth_rate >= LOWER_ABOVE or not accepted:
        chosen = max(chosen - 1, 0)
    if chosen != memory.table:
        memory.table = chosen
        memory.since_change = 0
        memory.factored_h, memory.ratio, memory.relative = 0.0, 0.0, 0.0
        memory.previous_h, memory.reach = 0.0, 1.0


@compiled
def after_acceptance(state, memory, table):
    """The next step's size."""
    size, log_error = abs(state.h), 0.5 * math.log(max(state.mean_square, 1e-20))
    factor = growth(state, memory, table, log_error)
    if state.rejected_last:
        factor = min(factor, 1.0)
    if state.reaches:  # a step cut short by a stop says little
        state.h_next = max(factor * size, state.h_next)
        return
    memory.previous_h, memory.previous_log_error = size, max(log_error, LEAST_LOG_ERROR)
    if memory.rate <= SLOW and 1.0 <= factor <= KEEP_UP_TO:
        factor = 1.0
    state.h_next = factor * size


@compiled
def cut(state, memory, table):
    """Factor of the step after an attempt that failed."""
    if memory.failed:
        return memory.cut
    if not state.mean_square < math.inf:
        return 0.25
    if state.restarted:
        return 0.1
    factor = safety(memory, table) * state.mean_square ** (-0.5 / (table.stages + 1.0))
    return min(max(factor, SMALLEST_FACTOR), SAFETY)


def control(address):
    """The size and the formula of the next attempt."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    data, memory = data_at(slot.data), memory_at(slot.memory)
    table = table_at(data, memory.table)
    accepted = state.mean_square <= 1.0
    if accepted:
        after_acceptance(state, memory, table)
        memory.last_table, memory.known, memory.parity = memory.table, 1, 1 - memory.parity
        memory.ratio = 0.0
    else:
        state.h_next = abs(state.h) * cut(state, memory, table)
    if data.count > 1:
        choose_formula(data, memory, state.h_next / abs(state.h), accepted)
    return 0


ENTRIES = {"attempt": attempt, "interpolate": interpolate, "control": control}
