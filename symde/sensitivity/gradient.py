"""`symde.value_and_grad`: a loss of a solution and its gradient."""

from __future__ import annotations

import functools
import importlib
import operator
from typing import Any, Never

import numpy as np

from symde.call_events import with_call_events
from symde.engine.cpu import linear_solvers
from symde.problem import options
from symde.sensitivity import auto, registry
from symde.sensitivity.gradient_error import gradient_error
from symde.sensitivity.loss import Part, parts_of
from symde.sensitivity.modes import locates_jumps, with_modes
from symde.sensitivity.run import Run, expected_problem, prepare, refuse_path_options, tightened
from symde.sensitivity.share import Derivatives, Share
from symde.sensitivity.start import start_of
from symde.sensitivity.strategy import Record
from symde.sensitivity.wrt import Estimate, Gradient, Wrt, wrt_of


def value_and_grad(
    loss: Any,
    problem: Any,
    method: Any = None,
    *,
    wrt: Any = ("u0", "p"),
    saveat: Any = None,
    of: Any = None,
    events: Any = None,
    sensealg: str = registry.AUTO,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    memory: int = options.DEFAULT_MEMORY,
    n: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    **unknown: Never,
) -> tuple[float, Gradient]:
    """A loss of the saved states, and its gradient.

        def loss(u):                                # u of shape (n_times, n)
            residual = u - data
            return (residual**2).sum(), 2*residual  # the value, and its derivative by u

        value, grad = symde.value_and_grad(loss, problem, saveat=0.1)
        grad["p"], grad["u0"]                       # shapes (m,), (n,)

    Args:
        loss: Function of the saved states, shape (n_times, n), that gives its value and its derivative by
            them, of the same shape; or an object that knows when it needs the solution, such as
            `symde.LeastSquares` (the protocols are in `symde.sensitivity.loss`).
        problem: What to solve.
        wrt: What to differentiate by: "u0" (all initial values), "p" (all parameters), names of parameters,
            names of states for their initial values, or several of these.
        saveat: Times to save, as in `symde.solve`. Default: the end alone.
        of: Names of the states, observables or parameters that a loss function reads in place of the states;
            it is then given an array of shape (n_times, number of names).
        events: Events for this solve beside the model's own, as in `symde.solve`.
        sensealg: How to differentiate: "forward", "discrete", "interpolating", "gauss", "backsolve", or
            "auto" for the one that is fastest in a trial, which the first call makes; `grad.sensealg` tells
            which it was. Of a problem with noise: "forward", "discrete", or "auto" for what has fewer
            operations; of paths with events, and of those that jump at moving rates or in steps that follow
            the error, "forward" alone.
        method, rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`. Sizes of steps are
            constants of the derivative.
        memory: Bytes that an adjoint may keep of the solution, 256 MiB: states of a discrete one (32 bytes
            of every step come on top), interpolants of a continuous one. What does not fit is computed again
            on the way back. Forward sensitivities keep nothing.
        n: Of a problem with noise, how many paths the loss is of: it is then given an array of shape
            (n, n_times, n_states), and a `symde.LeastSquares` compares the mean of the paths with its data.
            Default: one path, of shape (n_times, n_states).
        seed: Of a problem with noise: the same integer gives the same paths; None draws one, which
            `grad.seed` tells.
        workers: Threads that follow the paths; the result is the same for any number.

    Returns:
        The value, and the gradient by name; `grad.sensealg`, `grad.stats` and `grad.error` tell how it was
        found and how good it is (`symde.sensitivity.wrt.Gradient`). A derivative by a parameter includes all
        that follows it: initial values, defaults of other parameters, the time span. That of paths is exact
        for the noise that they had, and tells `seed` and `n` (`symde.sensitivity.wrt.PathGradient`).

    Raises:
        SolveError: the solve did not reach its end.
        ValueError, TypeError: an option is not what it should be, the loss does not give what it should, or
            the strategy cannot differentiate such a solve, with the alternatives; or a path has no derivative
            by what is asked for, since that moves its jumps or the times of its events.
    """
    if unknown:
        options.refuse_unknown(unknown, value_and_grad)
    expected_problem(problem)
    if events is not None:
        problem = with_call_events(problem, events)
    if problem.kind == "sde":
        given = {"rtol": rtol, "atol": atol, "dtmax": dtmax, "linear_solver": linear_solver}
        return importlib.import_module("symde.sensitivity.noise_gradient").value_and_grad(
            loss, problem, method, wrt, saveat, of, sensealg, n, seed, workers, dt0, max_steps, memory,
            options.changed(given, value_and_grad),
        )  # fmt: skip
    if not (n is None and seed is None and workers == 1):
        refuse_path_options(problem, n=n, seed=seed, workers=workers)
    wanted = wrt_of(wrt, problem.system)
    located = locates_jumps(problem, wanted, 2)
    solving = dict(
        method=method,
        rtol=rtol,
        atol=atol,
        dt0=dt0,
        dtmax=dtmax,
        max_steps=max_steps,
        linear_solver=linear_solver,
        memory=memory,
    )
    shares = [
        _share(part, sensealg, wanted, located, solving) for part in parts_of(loss, problem, saveat, of)
    ]
    # of one solve they are its own: a sum of arrays takes 9 us
    by_part = zip(*[share.derivatives for share in shares], strict=True)
    u0, p = [functools.reduce(operator.add, part) for part in by_part]

    def error() -> Estimate | None:
        return gradient_error(problem, wanted, shares, rtol)

    names = dict.fromkeys([share.sensealg for share in shares])
    work = shares[0].work if len(shares) == 1 else lambda: None
    return sum([share.value for share in shares]), wanted.gradient(u0, p, ", ".join(names), work, error)


def _share(part: Part, sensealg: str, wanted: Wrt, located: bool, solving: dict[str, Any]) -> Share:
    """Solve one part and differentiate its loss; `located` says whether its branches are to be modes."""
    run = prepare(part.problem, saveat=part.loss.times(part.problem), events=True, **solving)
    if located:
        run = with_modes(run)
    if sensealg != registry.AUTO:
        return _solved(part, run, sensealg, wanted)
    free = solving["method"] is None
    sensealg, chosen = auto.choose(run, wanted, free)
    try:
        record = _recorded(chosen, sensealg, wanted)
    except ValueError:
        if sensealg == auto.KEEPS_NOTHING:
            raise
        # the whole solution is more than what was tried, the first steps, and too much for this strategy
        sensealg, chosen = auto.keep_nothing(run, wanted, free)
        record = _recorded(chosen, sensealg, wanted)
    return _share_of(part, chosen, sensealg, wanted, record)


def _recorded(run: Run, sensealg: str, wanted: Wrt) -> Record:
    return registry.get(sensealg, run.problem.system.kernels.has_events).record(run, wanted)


def _solved(part: Part, run: Run, sensealg: str, wanted: Wrt) -> Share:
    return _share_of(part, run, sensealg, wanted, _recorded(run, sensealg, wanted))


def _share_of(part: Part, run: Run, sensealg: str, wanted: Wrt, record: Record) -> Share:
    value, derivatives = _pulled(part, record)
    refine = record.refinement()
    halved = None if refine is None else lambda: _pulled(part, refine())[1]

    def tighter(factor: float) -> Share:
        return _solved(part, tightened(run, factor), sensealg, wanted)

    return Share(value, derivatives, sensealg, record.solution.work(), halved, tighter)


def _pulled(part: Part, record: Any) -> tuple[float, Derivatives]:
    """The value of a part's loss and its derivatives by the common initial values and parameters."""
    problem, system = part.problem, part.problem.system
    # copies: a loss may work in what it is given, and the record reads its solution again
    loss = part.loss.evaluate(problem, record.solution.t.copy(), record.solution.u.copy())
    by_end = (loss.end,) if loss.end and problem.system.kernels.has_events else ()
    u0, p = record.pull_back(loss.states, *by_end)
    if loss.parameters is not None and loss.parameters.any():
        p = p + loss.parameters @ start_of(problem).parameters
    # what this solve sets itself does not follow the common values
    if part.fixed_states:
        u0 = np.where([name in part.fixed_states for name in system.state_names], 0.0, u0)
    if part.fixed_parameters:
        p = np.where([name in part.fixed_parameters for name in system.parameter_names], 0.0, p)
    return loss.value, (u0, p)
