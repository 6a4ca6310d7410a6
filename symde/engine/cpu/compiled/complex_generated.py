"""The model's own straight-line LU of (alpha + i beta)*I - J, left for partial pivoting where it is no good.

A static order cannot pivot, so the first solution with each factorisation is judged by its componentwise
backward error (Oettli and Prager 1964). The others are corrections of an iteration that judges itself.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.complex_dense import factor_dense, solve_dense, system_at
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.layout import BACKWARD_ERROR, Attempt


@compiled
def residual_with_mass(system, rhs, solution):
    """The same for (alpha + i beta)*M - J."""
    b, c = doubles(rhs), doubles(rhs + 8 * system.padded)
    x, y = doubles(solution), doubles(solution + 8 * system.padded)
    values, mass, alpha, beta = doubles(system.jacobian), doubles(system.mass), system.alpha, system.beta
    starts, columns = integers(system.row_pointers), integers(system.columns)
    for i in range(system.n):
        re, im, magnitude = b[i], c[i], abs(b[i]) + abs(c[i])
        for k in range(starts[i], starts[i + 1]):
            u, v = x[columns[k]], y[columns[k]]
            real, imaginary = alpha * mass[k] - values[k], beta * mass[k]
            re -= real * u - imaginary * v
            im -= real * v + imaginary * u
            magnitude += (abs(alpha * mass[k]) + abs(values[k]) + abs(imaginary)) * (abs(u) + abs(v))
        if not abs(re) + abs(im) <= BACKWARD_ERROR * magnitude:
            return False
    return True


@compiled
def residual_is_small(system, rhs, solution):
    """|r_i| <= bound * (|b_i| + sum_j |W_ij x_j|) for all i, by the sum of the parts' magnitudes."""
    b, c = doubles(rhs), doubles(rhs + 8 * system.padded)
    x, y = doubles(solution), doubles(solution + 8 * system.padded)
    values, alpha, beta = doubles(system.jacobian), system.alpha, system.beta
    starts, columns = integers(system.row_pointers), integers(system.columns)
    if system.mass != 0:
        return residual_with_mass(system, rhs, solution)
    for i in range(system.n):
        re, im = alpha * x[i] - beta * y[i], alpha * y[i] + beta * x[i]
        magnitude = abs(b[i]) + abs(c[i]) + (abs(alpha) + abs(beta)) * (abs(x[i]) + abs(y[i]))
        re, im = b[i] - re, c[i] - im
        for k in range(starts[i], starts[i + 1]):
            u, v = values[k] * x[columns[k]], values[k] * y[columns[k]]
            re += u
            im += v
            magnitude += abs(u) + abs(v)
        if not abs(re) + abs(im) <= BACKWARD_ERROR * magnitude:
            return False
    return True


@compiled
def finite(count, vector):
    """Whether every entry is finite."""
    v, total = doubles(vector), 0.0
    for i in range(count):
        total += 0.0 * v[i]
    return total == 0.0


def factor(address):
    """Factorise in the static order."""
    system = system_at(address)
    inputs = integers(system.factor_inputs)
    inputs[0], inputs[2] = system.jacobian, system.mass
    system.pivoted, system.untested = 0, 1
    call_kernel(system.factor_kernel, 0.0, system.factor_inputs, system.factor_outputs)
    return Attempt.FINE


def solve(address, rhs, solution):
    """Solve with the last factorisation."""
    system = system_at(address)
    if system.pivoted:
        solve_dense(system, rhs, solution)
        return Attempt.FINE
    inputs, outputs, part = integers(system.solve_inputs), integers(system.solve_outputs), 8 * system.padded
    inputs[1], inputs[2] = rhs, rhs + part
    outputs[0], outputs[1] = solution, solution + part
    call_kernel(system.solve_kernel, 0.0, system.solve_inputs, system.solve_outputs)
    if not system.untested or residual_is_small(system, rhs, solution):
        system.untested = 0
        return Attempt.FINE
    if not finite(2 * system.padded, rhs):  # the model's own NaN, not the factorisation's
        return Attempt.FINE
    system.untested, system.pivoted = 0, 1
    system.pivotings += 1
    code = factor_dense(system)
    if code == Attempt.FINE:
        solve_dense(system, rhs, solution)
    return code


ENTRIES = {"factor": factor, "solve": solve}
