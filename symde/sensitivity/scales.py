"""How large what a derivative is taken by is: derivatives are judged by what they say of the states where it
changes by as much.

Source: A. C. Hindmarsh, R. Serban, User Documentation for CVODES, section 2.6, on the scaling factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.codegen.call import call
from symde.problem import options
from symde.sensitivity.run import Run

_ABSOLUTE_ONLY = options.DEFAULT_RTOL


def columns_tolerance(
    run: Run, system: Any, parameters: np.ndarray, states: np.ndarray, tolerances: np.ndarray
) -> None:
    """Set the absolute tolerances of the states and of their columns: those of a column are the states' over
    the size of what it belongs to.

    Args:
        run: What is solved.
        system: The augmented system.
        parameters, states: Indices of the parameters and of the initial values that have a column.
        tolerances: To be filled, shape (n*(1 + width),); what belongs to no column is left alone.
    """
    n, count = len(run.problem.u0), len(parameters)
    atol, columns = tolerances[:n], tolerances[n:].reshape(n, -1)
    atol[...] = run.atol
    if count:
        sizes = _parameter_sizes(run, system, parameters, atol)
        np.divide(atol[:, None], sizes, out=columns[:, :count])
    if len(states):
        sizes = _initial_sizes(run, states, atol)
        np.divide(atol[:, None], sizes, out=columns[:, count : count + len(states)])


def columns_tolerances(
    run: Run,
    u0: np.ndarray,
    p: np.ndarray,
    parameters: np.ndarray,
    states: np.ndarray,
    tolerances: np.ndarray,
) -> np.ndarray:
    """The same for many members at once; those that have parameters which are zero are left out.

    Args:
        run: That of one member; its tolerances are those of all.
        u0, p: Initial states (count, n) and parameters (count, m), or one row that all share.
        parameters, states: As above.
        tolerances: To be filled, shape (count, n*(1 + width)).

    Returns:
        The members that were left out.
    """
    n, count = u0.shape[1], len(parameters)
    atol, columns = tolerances[:, :n], tolerances[:, n:].reshape(len(tolerances), n, -1)
    atol[...] = run.atol
    sizes = np.abs(p[:, parameters])
    left_out = np.broadcast_to((sizes == 0.0).any(axis=1), len(tolerances))
    np.divide(atol[:, :, None], np.where(sizes == 0.0, 1.0, sizes)[:, None], out=columns[:, :, :count])
    begins = atol[:, states] / (run.plan.rtol or _ABSOLUTE_ONLY)
    sizes = np.maximum(np.abs(u0[:, states]), begins)
    sizes[sizes == 0.0] = 1.0
    np.divide(atol[:, :, None], sizes[:, None], out=columns[:, :, count : count + len(states)])
    return np.flatnonzero(left_out)


def _initial_sizes(run: Run, states: np.ndarray, atol: np.ndarray) -> np.ndarray:
    """Of initial values: their own, but not less than where a state begins to be told from zero. With the
    value alone the column of a state of 1e-30 would not be held to anything, and with 1 for those that are
    zero none would where tolerances are of 1e3."""
    sizes = np.maximum(np.abs(run.problem.u0[states]), atol[states] / (run.plan.rtol or _ABSOLUTE_ONLY))
    sizes[sizes == 0.0] = 1.0
    return sizes


def _parameter_sizes(run: Run, system: Any, parameters: np.ndarray, atol: np.ndarray) -> np.ndarray:
    """Of parameters: their own, or for those that are zero their nominal value, or where none is given what
    would change a slope at the start by as much as it is, or 1 where it changes none there."""
    sizes = np.abs(run.problem.p.take(parameters))
    if np.count_nonzero(sizes) == len(sizes):  # a fifth of the time of sizes.all()
        return sizes
    nominal = system.base.parameter_nominals
    for place in np.flatnonzero(sizes == 0.0):
        sizes[place] = abs(nominal[parameters[place]] or 0.0)
    if not sizes.all() and system.partials is not None:
        missing = sizes == 0.0
        sizes[missing] = _matching_slopes(run, system, atol)[missing]
    sizes[sizes == 0.0] = 1.0
    return sizes


def _matching_slopes(run: Run, system: Any, atol: np.ndarray) -> np.ndarray:
    """The least change of each parameter that doubles a slope at the start, one a column; 0 where it changes
    none there."""
    problem, partials = run.problem, system.partials
    t0, t1 = problem.tspan
    pointers, columns = partials.pattern("partials")
    entries = len(partials.pattern("jacobian")[1])
    inputs = [problem.u0, problem.p]
    _, (slope, _, values) = call(
        partials.address("values"), t0, inputs, [len(problem.u0), entries, len(columns)]
    )
    state_sizes = np.abs(problem.u0) + atol / (run.plan.rtol or _ABSOLUTE_ONLY)
    rates = np.abs(slope) + state_sizes / abs(t1 - t0)
    rows = np.repeat(np.arange(len(rates)), np.diff(pointers))
    sizes = np.full(len(partials.parameters), np.inf)
    # what is not finite at the start tells no size; a solve from there says so by itself
    telling = np.flatnonzero(np.isfinite(values) & (values != 0.0) & np.isfinite(rates[rows]))
    with np.errstate(over="ignore"):
        np.minimum.at(sizes, columns[telling], rates[rows[telling]] / np.abs(values[telling]))
    return np.where(np.isfinite(sizes), sizes, 0.0)
