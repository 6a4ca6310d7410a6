"""Second derivatives of losses: Hessians, and their products with a direction.

The derivative of a loss L(u(x)) along a direction v is L'(u) s with the tangent s = (du/dx) v. Solution and
tangent are the solution of one larger model, and the gradient of that number by x, found as every gradient
is, is the Hessian times v: L''(u) s beside u and L'(u) beside s are what is pulled back. It is exact for the
steps taken wherever the strategy is.

Source: D. B. Ozyurt, P. I. Barton, Cheap second order directional derivatives of stiff ODE embedded
functionals, SIAM Journal on Scientific Computing 26 (2005).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Never

import numpy as np

from symde.codegen.tangent import rate_name, tangent_name
from symde.engine.cpu import linear_solvers
from symde.problem import options
from symde.problem.solution import Solution
from symde.problem.system import refuse_delays
from symde.problem.values import real, reals
from symde.sensitivity import discrete, registry
from symde.sensitivity.loss import names_of, weights_of
from symde.sensitivity.moving_jump import warn_of_jumps
from symde.sensitivity.moving_start import MovedStart
from symde.sensitivity.noise_gradient import TWICE
from symde.sensitivity.observation import observation
from symde.sensitivity.run import Run, expected_problem, prepare
from symde.sensitivity.start import start_of
from symde.sensitivity.strategy import Record
from symde.sensitivity.tangent import Direction, tangent_run, tangent_system
from symde.sensitivity.wrt import Gradient, Wrt, pair_of, wrt_of

SecondOrderLoss = Callable[[np.ndarray], tuple[float, Any, Callable[[np.ndarray], Any]]]


@dataclass(frozen=True, eq=False)
class Hessian:
    """The second derivatives of a loss, with all that was computed on the way.

    Attributes:
        names: What each row and column belongs to: parameters by name, initial values as "x(0)".
        matrix: The second derivatives, shape (k, k), symmetric.
        gradient: The gradient, by name as `symde.value_and_grad` gives it.
        value: The loss.
        asymmetry: Largest difference of two entries that must be equal and were computed apart, over the
            largest entry, each times the sizes of what it is by: an estimate of the relative error. `matrix`
            has their means.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    gradient: Gradient
    value: float
    asymmetry: float

    def __getitem__(self, pair: tuple[str, str]) -> float:
        """The second derivative by two parameters or initial values: `hessian["k1", "y1(0)"]`, or "y1"."""
        row, column = (self._place(name) for name in pair_of(pair, 'hessian["k1", "k2"]'))
        return float(self.matrix[row, column])

    def _place(self, name: str) -> int:
        for known in (name, f"{name}(0)"):
            if known in self.names:
                return self.names.index(known)
        raise KeyError(f"no derivative by {name!r} was asked for: there are {', '.join(self.names)}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.matrix, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<Hessian by {', '.join(self.names)}; asymmetry {self.asymmetry:.1e}>"


def hessian_vector_product(
    loss: SecondOrderLoss,
    problem: Any,
    vector: Any,
    method: Any = None,
    *,
    wrt: Any = ("u0", "p"),
    saveat: Any = None,
    of: Any = None,
    sensealg: str = registry.AUTO,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    **unknown: Never,
) -> Gradient:
    """The Hessian of a loss times a vector, for about the cost of two gradients.

        def loss(u):
            residual = u - data
            return (residual**2).sum(), 2*residual, lambda v: 2*v

        product = symde.hessian_vector_product(loss, problem, {"k1": 1.0}, wrt=("k1", "k2"), saveat=0.1)
        product["k2"]                               # the second derivative by k1 and k2

    Args:
        loss: Function of the saved states, shape (n_times, n), that gives three things: its value, its
            derivative by them, and a function that gives the derivative of that derivative along a
            direction v of the states (all of the same shape). Nothing is approximated by differences, so the
            third cannot be left out.
        problem: What to solve.
        vector: By name, as a gradient is (`{"p": [...], "u0": [...]}`, names left out are 0), or one number
            after another in the order of `wrt`.
        wrt, saveat, of: As in `symde.value_and_grad`; with `of` the loss is given those quantities in place
            of the states, and `v` is a direction of them.
        sensealg: The strategy that differentiates solution and tangent; by default "discrete" where it knows
            the method, else "forward".
        method, rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`. The tangent is held to
            the same tolerances as the states.

    Returns:
        The product, by name as the gradient.

    Raises:
        SolveError: the solve did not reach its end.
        ValueError, TypeError: an option is not what it should be, the loss does not give what it should, or
            the strategy cannot differentiate such a solve, with the alternatives.
    """
    if unknown:
        options.refuse_unknown(unknown, hessian_vector_product)
    run, wanted = _asked(problem, wrt, saveat, method, rtol, atol, dt0, dtmax, max_steps, linear_solver)
    direction = _direction(vector, wanted, run)
    return _product(loss, run, wanted, direction, sensealg, names_of(of)).product


def hessian(
    loss: SecondOrderLoss,
    problem: Any,
    method: Any = None,
    *,
    wrt: Any = ("u0", "p"),
    saveat: Any = None,
    of: Any = None,
    sensealg: str = registry.AUTO,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    **unknown: Never,
) -> Hessian:
    """The Hessian of a loss, one product for each parameter and initial value: for few of them.

    Args:
        loss, problem, method, wrt, saveat, of, sensealg, rtol, atol, dt0, dtmax, max_steps, linear_solver: As
            in `symde.hessian_vector_product`.

    Returns:
        The matrix with names, the gradient and the value.

    Raises:
        SolveError, ValueError, TypeError: as `symde.hessian_vector_product`.
    """
    if unknown:
        options.refuse_unknown(unknown, hessian)
    run, wanted = _asked(problem, wrt, saveat, method, rtol, atol, dt0, dtmax, max_steps, linear_solver)
    names = _names(wanted, run)
    found = [
        _product(loss, run, wanted, _direction(unit, wanted, run), sensealg, names_of(of))
        for unit in np.eye(len(names))
    ]
    rows = np.array([one.product.vector() for one in found])
    return Hessian(
        names, (rows + rows.T) / 2, found[0].gradient, found[0].value, _asymmetry(rows, wanted, run)
    )


def _asymmetry(rows: np.ndarray, wanted: Wrt, run: Run) -> float:
    problem = run.problem
    values = [
        (problem.p if entry.of_parameters else problem.u0)[list(entry.indices)] for entry in wanted.entries
    ]
    sizes = np.abs(np.concatenate(values))
    sizes[sizes == 0.0] = 1.0
    scaled = rows * np.outer(sizes, sizes)
    largest = float(np.max(np.abs(scaled)))
    return float(np.max(np.abs(scaled - scaled.T))) / largest if largest else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    value: float
    gradient: Gradient
    product: Gradient


def _asked(problem: Any, wrt: Any, saveat: Any, *given: Any) -> tuple[Run, Wrt]:
    """What to solve, and what to differentiate by."""
    names = ("method", "rtol", "atol", "dt0", "dtmax", "max_steps", "linear_solver")
    if expected_problem(problem).kind == "sde":
        raise ValueError(TWICE)
    saveat = [problem.tspan[1]] if saveat is None else saveat
    refuse_delays(problem.system, "a second derivative")
    run = prepare(problem, saveat=saveat, **dict(zip(names, given, strict=True)))
    wanted = wrt_of(wrt, problem.system)
    if tangent_system(problem.system).kernels.jumps:
        larger = tangent_run(run, Direction(np.zeros_like(problem.u0), np.zeros_like(problem.p)))
        warn_of_jumps(larger.problem, _both(wanted, run, larger), 3, "a jump of the derivative")
    return run, wanted


def _product(
    loss: Any, run: Run, wanted: Wrt, direction: Direction, sensealg: str, of: tuple[str, ...] | None
) -> _Found:
    """Value, gradient and product at once: the gradient is the derivative by the tangent's own start."""
    larger = tangent_run(run, direction)
    n, m = len(run.problem.u0), len(run.problem.p)
    chosen = _both(wanted, run, larger)
    strategy = registry.get(_strategy(run) if sensealg == registry.AUTO else sensealg)
    record: Record = strategy.record(larger, chosen)
    value, by_states, by_parameters = _directional(loss, run, larger, record.solution, of)
    u0, p = record.pull_back(by_states)
    if by_parameters.any():
        p = p + by_parameters @ start_of(larger.problem).parameters
    if isinstance(larger.problem.given_u0, MovedStart):  # the tangents begin with a slope that states move
        u0[:n] += u0[n:] @ larger.problem.given_u0.by_states(larger.problem.p)
    return _Found(value, wanted.gradient(u0[n:], p[m:]), wanted.gradient(u0[:n], p[:m]))


def _both(wanted: Wrt, run: Run, larger: Run) -> Wrt:
    """What is differentiated by, and the direction in it."""
    n, m = len(run.problem.u0), len(run.problem.p)
    moving = isinstance(larger.problem.given_u0, MovedStart)
    tangents = range(n) if moving and wanted.states else wanted.states
    return Wrt(
        (),
        (*wanted.parameters, *(m + j for j in wanted.parameters)),
        (*wanted.states, *(n + i for i in tangents)),
    )


def _directional(
    loss: Any, run: Run, larger: Run, solution: Solution, of: tuple[str, ...] | None
) -> tuple[float, np.ndarray, np.ndarray]:
    """The loss, and the derivatives of its derivative along the direction: by the saved states and tangents,
    shape (n_times, 2n), and by parameters and direction with these held fixed, shape (2m,)."""
    system, t, u, p = larger.problem.system, solution.t, solution.u, larger.problem.p
    read, what = (run.problem.system.state_names, "states") if of is None else (of, "quantities")
    observation(run.problem.system, read)  # a name that is unknown is told as it was given
    both = observation(system, (*read, *map(tangent_name, read)))
    observed = both(t, u, p)
    values, tangents = np.hsplit(observed.values.copy(), 2)  # the loss's own
    start = start_of(larger.problem)
    moving = start.ends and t[-1] == larger.problem.tspan[1]
    if not moving:
        value, slopes, along = evaluate_second_order(loss, values, tangents, what)
        return value, *observed.pull_back(np.hstack([along, slopes]))
    # the end moves by some time along the direction, and what is read there by its rate times that
    rates = observation(system, tuple(map(rate_name, read)))
    rate = rates(t[-1:], u[-1:], p)
    moved, by_direction = larger.problem.given_tspan.moved_end(p)
    tangents[-1] += rate.values[0] * moved
    value, slopes, along = evaluate_second_order(loss, values, tangents, what)
    weights = np.hstack([along, slopes])
    by_states, by_parameters = observed.pull_back(weights)
    at_end, of_rate = rate.pull_back(moved * slopes[-1:])
    by_states[-1] += at_end[0]
    by_time = both.by_time(t[-1:], u[-1:], p)[0], rates.by_time(t[-1:], u[-1:], p)[0]
    own_time = weights[-1] @ by_time[0] + moved * (slopes[-1] @ by_time[1])
    by_parameters = by_parameters + of_rate + (slopes[-1] @ rate.values[0]) * by_direction
    return value, by_states, by_parameters + own_time * start.span[1]


def _strategy(run: Run) -> str:
    able = all(method.family in discrete.FAMILIES for method in run.plan.methods)
    return "discrete" if able else "forward"


def evaluate_second_order(
    loss: Any, u: np.ndarray, direction: np.ndarray, what: str = "states"
) -> tuple[float, np.ndarray, np.ndarray]:
    """The value of a loss, its derivative, and the derivative of that along a direction, checked.

    Raises:
        TypeError: it is no function, or does not give three things. ValueError: shapes do not agree.
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of the saved states, found {loss!r}")
    given = loss(u)
    if not isinstance(given, tuple | list) or len(given) != 3 or not callable(given[2]):
        raise TypeError(
            "for second derivatives the loss must return three things, its value, its derivative by the "
            "saved states, and a function v -> derivative of that derivative along v: such as "
            f"((r**2).sum(), 2*r, lambda v: 2*v) with r = u - data; found {given!r:.200}"
        )
    value, slopes = real(given[0], "value of the loss"), weights_of(given[1], u.shape, "derivative", what)
    along = weights_of(given[2](direction), u.shape, "second derivative along a direction", what)
    return value, slopes, along


def _direction(vector: Any, wanted: Wrt, run: Run) -> Direction:
    """A vector by name, or in the order of `wrt`, as a direction of all initial values and parameters.

    Raises:
        ValueError: it has another length, or names what is not differentiated by.
    """
    u0, p = np.zeros(len(run.problem.u0)), np.zeros(len(run.problem.p))
    entries = {entry.name: entry for entry in wanted.entries}
    if isinstance(vector, Mapping):
        for name in vector:
            if name not in entries:
                raise ValueError(f"vector has a part {name!r}, but wrt has {', '.join(entries)}")
        parts = dict(vector)
    else:
        flat = reals(vector, "vector")
        count = sum(len(entry.indices) for entry in wanted.entries)
        if flat.shape != (count,):
            raise ValueError(
                f"vector must have {count} numbers, one for each entry of wrt ({', '.join(entries)}), "
                f"found shape {flat.shape}"
            )
        ends = np.cumsum([len(entry.indices) for entry in wanted.entries])
        parts = dict(zip(entries, np.split(flat, ends[:-1]), strict=True))
    for name, part in parts.items():
        entry = entries[name]
        numbers = np.atleast_1d(reals(part, f"vector[{name!r}]"))
        if numbers.shape != (len(entry.indices),):
            expected = len(entry.indices)
            raise ValueError(f"vector[{name!r}] must have {expected} numbers, found shape {numbers.shape}")
        target = p if entry.of_parameters else u0
        target[list(entry.indices)] += numbers
    if not (np.isfinite(u0).all() and np.isfinite(p).all()):
        raise ValueError("vector has a number that is not finite")
    return Direction(u0, p)


def _names(wanted: Wrt, run: Run) -> tuple[str, ...]:
    system = run.problem.system
    return tuple(
        system.parameter_names[index] if entry.of_parameters else f"{system.state_names[index]}(0)"
        for entry in wanted.entries
        for index in entry.indices
    )
