"""`symde.shadowing`: derivatives of long-time averages of chaotic solutions.

Every tangent of a chaotic solution grows without bound, and the derivative of a long average along it says
nothing of the average. There is a solution for the changed parameter that stays close to the first one; its
tangent, bounded, is the least one among all. It is found from the tangents of many short segments.

Source: Q. Wang, R. Hu, P. Blonigan, Least squares shadowing sensitivity analysis of chaotic limit cycle
oscillations, Journal of Computational Physics 267 (2014); in the form of A. Ni, Q. Wang, Sensitivity
analysis on chaotic dynamical systems by Non-Intrusive Least Squares Shadowing (NILSS), Journal of
Computational Physics 347 (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Never

import numpy as np

from symde.engine.cpu import linear_solvers
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.system import refuse_delays
from symde.problem.values import real
from symde.sensitivity.constrained import refuse_constrained
from symde.sensitivity.forward import solved_whole
from symde.sensitivity.integral import with_integral
from symde.sensitivity.model_values import ModelValues
from symde.sensitivity.moving_jump import warn_of_jumps
from symde.sensitivity.run import Run, expected_problem, prepare
from symde.sensitivity.segments import Segment, Segments, Tangents, without_history
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Gradient, Wrt, wrt_of

INTEGRAL = "shadowed_integral"
"""Name of the state that integrates the averaged quantity."""

GROWTH = float(np.e)
"""Growth of the fastest tangent over one segment. With 10, half as many segments take half the
time, and the decaying direction of the Lorenz equations vanishes in rounding: exponent -8, not -14.57."""

TRIAL, LEAST, MOST = 20, 40, 20_000
"""Segments before the average begins; fewest and most segments of the average."""

BATCHES = 10
"""Parts of the average whose scatter gives the errors."""

MOST_DIRECTIONS = 20
"""Tangents without a parameter by default, at most."""


@dataclass(frozen=True, eq=False)
class Shadowing:
    """A long-time average and its derivatives.

    Attributes:
        average: The average.
        average_error: Its standard error.
        gradient: The derivatives by name.
        error: Their standard errors by name, from the scatter of parts of the average. Where growing and
            decaying directions nearly touch, no bounded tangent exists and they are large. What shadowing
            itself misses, where the solution for another parameter is not typical, is not part of them.
        exponents: Lyapunov exponents across the flow, largest first, shape (k,). Those so negative that
            their directions vanish in rounding within a segment are only bounds from above.
        segments, segment: Number and duration of the segments.
    """

    average: float
    average_error: float
    gradient: Gradient
    error: Gradient
    exponents: np.ndarray
    segments: int
    segment: float

    def __repr__(self) -> str:
        by = ", ".join(f"{name}: {value}" for name, value in self.gradient.items())
        return f"<Shadowing: average {self.average:.6g} +- {self.average_error:.1g}, derivative by {by}>"


def shadowing(
    problem: Any,
    average: str,
    wrt: Any = "p",
    method: Any = None,
    *,
    transient: float | None = None,
    segment: float | None = None,
    directions: int | None = None,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    **unknown: Never,
) -> Shadowing:
    """The average of a quantity over a long chaotic solution, and its derivatives by parameters.

        lorenz = symde.Problem(model, tspan=(0, 500))
        found = symde.shadowing(lorenz, "z", wrt="rho")
        found.average, found.gradient["rho"], found.error["rho"]    # about 23.6, 1.0, 0.05

    Args:
        problem: What to solve; its equations must not read t. The average is over its `tspan`, less the
            transient.
        average: What is averaged: an expression of the language, such as a state's name.
        wrt: Parameters: "p" for all, names, or several.
        method: As in `symde.solve`; one that has forward sensitivities.
        transient: Time at the start that is left out. Default: a tenth of the span.
        segment: Duration of a segment. Default: in which the fastest tangent grows e-fold.
        directions: How many growing directions to allow for: at least as many as there are positive Lyapunov
            exponents. Default: all, at most 20.
        rtol, atol, dtmax, max_steps, linear_solver: As in `symde.solve`, for each segment.

    Returns:
        The average and the derivatives, each with its error.

    Raises:
        SolveError: a segment could not be solved.
        ValueError, TypeError: an option is not what it should be, the equations read t, the solution comes to
            rest, or more directions grow than were allowed for.
    """
    if unknown:
        options.refuse_unknown(unknown, shadowing)
    wanted = wrt_of(wrt, expected_problem(problem).system)
    if problem.system.kernels.constrained:
        refuse_constrained(problem.system, "symde.shadowing knows no tangents", "average over a long solve")
    _check(problem, wanted)
    warn_of_jumps(problem, wanted, 2)
    larger = with_integral(problem, {INTEGRAL: average})
    run = prepare(
        larger,
        method,
        rtol=rtol,
        atol=atol,
        dtmax=dtmax,
        max_steps=max_steps,
        linear_solver=linear_solver,
    )
    solved_whole(run.plan.methods)
    n, (t0, t1) = len(problem.u0), problem.tspan
    begin = t0 + _duration(transient, "transient", (t1 - t0) / 10, t1 - t0)
    count = _directions(directions, n)
    follow = start_of(larger).parameters
    parameters = tuple(np.flatnonzero(follow[:, list(wanted.parameters)].any(axis=1)).tolist())
    segments = Segments(run, parameters, count)
    try:
        tangents, exponent = _transient(segments, t0, larger.u0, begin)
        length = _duration(segment, "segment", _segment(exponent, t1 - begin), t1 - begin)
        done = _segments(segments, tangents, t1, max(round((t1 - begin) / length), 1))
    finally:
        segments.close()
    exponents = _exponents(done)
    if count < n - 1 and exponents[-1] > 0.0:
        raise ValueError(
            f"all {count} directions allowed for grow (exponents {exponents.min():.3g} and more): give more "
            f"directions, at most {n - 1}"
        )
    return _result(run, wanted, done, follow[np.ix_(parameters, wanted.parameters)], exponents)


def _check(problem: Problem, wanted: Wrt) -> None:
    t0, t1 = problem.tspan
    system: Any = problem.system
    refuse_delays(system, "shadowing")
    if ModelValues(system, problem.p, t0).timed:
        raise ValueError("the equations read t: shadowing is for equations that do not, write `t` as a state")
    if wanted.states:
        raise ValueError("a long-time average forgets its initial values: wrt takes parameters alone")
    if len(problem.u0) < 2:
        raise ValueError("one equation alone is not chaotic: see symde.steady_state")
    if t1 < t0:
        raise ValueError(f"averages are taken forward in time, and tspan goes from {t0:g} to {t1:g}")


def _duration(given: Any, what: str, default: float, span: float) -> float:
    duration = default if given is None else real(given, what)
    if not 0.0 < duration < span:
        raise ValueError(f"{what} must be a time between 0 and the {span:g} there are, found {duration:g}")
    return duration


def _directions(given: Any, n: int) -> int:
    if given is None:
        return min(n - 1, MOST_DIRECTIONS)
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= n - 1:
        raise ValueError(f"directions must be a whole number from 1 to {n - 1}, found {given!r}")
    return given


def _transient(segments: Segments, t: float, u: np.ndarray, end: float) -> tuple[Tangents, float]:
    """Tangents at the end of the transient, settled in their directions, and the largest exponent."""
    tangents, length = segments.begin(t, u), (end - t) / TRIAL
    logarithms = []
    for _ in range(TRIAL):
        done, tangents = segments.step(tangents, length)
        tangents = without_history(tangents)
        logarithms.append(np.log(abs(done.growth[0, 0])))
    return tangents, float(np.mean(logarithms[TRIAL // 2 :]) / length)


def _segment(exponent: float, span: float) -> float:
    """A duration in which the fastest tangent grows as much as it should."""
    if exponent <= 0.0:
        return span / LEAST
    return min(max(np.log(GROWTH) / exponent, span / MOST), span / LEAST)


def _segments(segments: Segments, tangents: Tangents, end: float, count: int) -> list[Segment]:
    done, length = [], (end - tangents.t) / count
    for _ in range(count):
        one, tangents = segments.step(tangents, length)
        done.append(one)
    return done


def _exponents(done: Sequence[Segment]) -> np.ndarray:
    grown = np.array([np.abs(np.diag(one.growth)) for one in done])
    with np.errstate(divide="ignore"):
        return np.log(grown).sum(axis=0) / sum(one.length for one in done)


def _result(
    run: Run, wanted: Wrt, done: Sequence[Segment], follow: np.ndarray, exponents: np.ndarray
) -> Shadowing:
    """Average and derivatives from the segments, with their errors from the scatter of batches."""
    lengths = np.array([one.length for one in done])
    integrals = np.array([one.integral for one in done])
    average = integrals.sum() / lengths.sum()
    shares = _shares(done, _least_tangent(done), average) @ follow
    derivatives = shares.sum(axis=0) / lengths.sum()
    errors = _standard_error(shares / lengths[:, None])
    m, parameters = len(run.problem.p), list(wanted.parameters)

    def by_name(values: np.ndarray) -> Gradient:
        every = np.zeros(m)
        every[parameters] = values
        return wanted.gradient(np.empty(0), every)

    return Shadowing(
        float(average),
        float(_standard_error((integrals / lengths)[:, None])[0]),
        by_name(derivatives),
        by_name(errors),
        exponents,
        len(done),
        float(lengths[0]),
    )


def _least_tangent(done: Sequence[Segment]) -> np.ndarray:
    """Amounts a of the free tangents in each segment, shape (segments, k, m), with which forced + free a is
    continuous across the segments and least in the mean square.

    They minimise sum(a'Ca/2 + a'd) under a_(i+1) = R a_i + b. The multipliers of the conditions have a block
    tridiagonal matrix, here as a band.
    """
    from scipy.linalg import solveh_banded

    inverse = np.array([np.linalg.inv(one.lengths) for one in done])
    free = -inverse @ np.array([one.mixed for one in done])  # least without conditions
    count, k, m = len(done) - 1, free.shape[1], free.shape[2]
    if not count:
        return free
    growth = np.array([one.growth for one in done[:-1]])
    overlap = np.array([one.overlap for one in done[:-1]])
    passed = growth @ inverse[:-1]
    diagonal = inverse[1:] + passed @ growth.transpose(0, 2, 1)
    above = -passed[1:].transpose(0, 2, 1)  # of conditions i and i + 1
    band = np.zeros((2 * k, count * k))
    for row in range(k):
        for column in range(k):
            if row <= column:
                band[2 * k - 1 + row - column, column::k] = diagonal[:, row, column]
            place = k - 1 + row - column
            band[place, k + column :: k] = above[:, row, column]
    right = overlap + growth @ free[:-1] - free[1:]
    try:
        multipliers = solveh_banded(band, right.reshape(count * k, m)).reshape(count, k, m)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "growing and decaying directions of this solution touch, up to rounding, so no bounded tangent "
            "can be told: a shorter span or shorter segments may pass, but shadowing is not made for this"
        ) from error
    amounts = free.copy()
    amounts[1:] += inverse[1:] @ multipliers
    amounts[:-1] -= passed.transpose(0, 2, 1) @ multipliers
    return amounts


def _shares(done: Sequence[Segment], amounts: np.ndarray, average: float) -> np.ndarray:
    """What each segment adds to the derivative of the integral, shape (segments, m)."""
    shares = []
    for one, amount in zip(done, amounts, strict=True):
        change = one.by_forced + one.by_free @ amount
        shift = one.shift_forced + one.shift_free @ amount
        shares.append(change + shift * (average - one.end))
    return np.array(shares)


def _standard_error(means: np.ndarray) -> np.ndarray:
    """Standard errors of the mean of rows that follow each other, from batches of them."""
    batches = [batch.mean(axis=0) for batch in np.array_split(means, min(BATCHES, len(means)))]
    return np.std(batches, axis=0, ddof=1) / np.sqrt(len(batches)) if len(batches) > 1 else means[0] * np.nan
