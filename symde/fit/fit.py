"""`symde.fit`: parameters of a model from data, in one call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from symde.fit.identifiability import IdentifiabilityWarning
from symde.fit.least_squares import LeastSquares
from symde.fit.objective import ATOL, RTOL, Objective, require_problem
from symde.fit.result import FitInterrupted, FitResult, same_loss
from symde.fit.scoring import ENDED, SearchInterrupted
from symde.fit.searches import Search, Tell, search_all
from symde.fit.starts import starts_of
from symde.fit.summary import hardly_known, outweighed
from symde.problem.problem import Problem
from symde.problem.values import real


def fit(
    problem: Problem,
    data: Any,
    parameters: Any = None,
    *,
    names: Any = None,
    sigma: Any = None,
    weights: Any = None,
    log: Any = None,
    time: Any = None,
    bounds: Mapping[str, Any] | None = None,
    scale: Any = None,
    starts: int = 1,
    seed: int = 0,
    workers: int = 1,
    max_iterations: int = 200,
    progress: bool = False,
    callback: Callable[[dict[str, float], float], Any] | None = None,
    method: Any = None,
    rtol: float = RTOL,
    atol: Any = ATOL,
    **solving: Any,
) -> FitResult:
    """Estimate parameters and initial values from data.

        result = symde.fit(problem, frame, ["k1", "k2", "x(0)"], sigma=0.1)
        print(result.summary())
        result["k1"], result.standard_errors["k1"], result.problem

    Args:
        problem: The problem; its parameters and initial values are the start.
        data: Arrays (times, values), a pandas frame, a `symde.LeastSquares`, a `symde.Experiment` or a list
            of them.
        parameters: What to estimate: names of parameters, and "x(0)" for the initial value of the state x; or
            a mapping of these to starting values. Default: all parameters.
        names, sigma, weights, log, time: What the data are, as in `symde.Experiment`. Without `sigma` the
            noise is unknown, the same for all values, and told from the residuals; a `sigma` that names a
            parameter is estimated.
        bounds: Bounds by name. Default: those in the model's text.
        scale: "log" or "linear", for all or by name: how parameters are searched. Default: by logarithm where
            the bounds say that a parameter is positive.
        starts: Number of searches: the first from the given start, the others spread over the bounds.
        seed: Of that spread, and of the paths of a problem with noise, the same through the fit.
        workers: Most searches at a time, on as many cores. The result is the same for every number.
        max_iterations: Most steps of a search.
        progress: Show a bar (needs tqdm).
        callback: Called as callback(values, loss) after every step of a search, values by name; ends the fit
            by returning something true.
        method, rtol, atol, and further options: As in `symde.solve`; the tolerances are tighter. Of a problem
            with noise `n` is the number of paths whose mean is compared with the data; one if not given.

    Returns:
        The best estimate, with its uncertainty.

    Raises:
        ValueError, TypeError: problem, data and parameters do not fit together, with the reason.
        SolveError: the problem cannot be solved from any start.
        FitInterrupted: Ctrl-C; the best of what was found is kept on the exception.

    Warns:
        IdentifiabilityWarning: the data do not identify some parameters; it names them, and how they can
            change together unseen. Or they hardly do, or some quantity is too small to count.
        RuntimeWarning: no search has converged.
    """
    require_problem(problem)
    if isinstance(data, LeastSquares):
        for given, what in (
            (names, "names"),
            (sigma, "sigma"),
            (weights, "weights"),
            (log, "log"),
            (time, "time"),
        ):
            if given is not None:
                raise ValueError(f"{what} belongs to the LeastSquares that was given as data")
        loss = data
    else:
        loss = LeastSquares(data, names, sigma=sigma, weights=weights, log=log, time=time)
    if problem.kind == "sde":
        solving["seed"] = seed
    objective = Objective(
        problem, loss, parameters, bounds=bounds, scale=scale, method=method, rtol=rtol, atol=atol, **solving
    )
    _require_data(objective)
    number, limit = _whole(starts, "starts"), _whole(max_iterations, "max_iterations")
    thetas = starts_of(objective.parameters, number, _whole(seed, "seed", least=0))
    with _told(number, progress, callback) as tell:
        found = search_all(objective, thetas, limit, _whole(workers, "workers"), tell)
    if found.stopped is not None and all(one.found is None for one in found.done):
        raise found.stopped
    result = _best(objective, found.done, limit)
    if found.stopped is not None and not (
        isinstance(found.stopped, SearchInterrupted) and found.stopped.wanted
    ):
        raise FitInterrupted(
            f"the fit was interrupted after {len(found.done)} of {number} searches; the best so far is "
            f"kept as `result` of this exception: {result!r}",
            result,
        ) from found.stopped
    _warn(result)
    return result


def _best(objective: Objective, searches: list[Search], limit: int) -> FitResult:
    searches = sorted(searches, key=lambda one: one.start.value)
    first = next(
        (i for i, one in enumerate(searches) if not same_loss(one.start, searches[0].start, objective.noise)),
        len(searches),
    )
    # of equally good ends that of an optimum, and of the earliest start, which rounding does not decide
    searches[:first] = sorted(searches[:first], key=lambda one: (not one.start.converged, one.start.number))
    best = searches[0].found
    if best is None:
        _raise_unsolved(objective)
    assert best is not None
    return FitResult(
        objective,
        best.theta,
        best.point.value,
        best.converged,
        best.message,
        tuple(one.start for one in searches),
        best.iterations,
        best,
        limit,
    )


def _require_data(objective: Objective) -> None:
    size, count = objective.size, len(objective.names)
    if count > size:
        raise ValueError(
            f"{count} parameters cannot be told from {size} values: name fewer, parameters=[...] (now "
            f"{', '.join(objective.names)}), or give more data"
        )


def _raise_unsolved(objective: Objective) -> None:
    """Why no start could be evaluated."""
    objective.failure = None
    for data, solution, compared in objective.compared(objective.start):  # raises where a solve fails
        bad = ~np.isfinite(compared.residuals)
        if bad.any():
            place = int(np.flatnonzero(bad)[0])
            name = data.quantities[data.columns[place]]
            noisy = not compared.sigma[place] > 0.0
            t = solution.t[data.places[place]]
            what = f"sigma of {name} is not positive" if noisy else f"{name} of the model cannot be compared"
            help = (
                "start the parameters it depends on elsewhere"
                if noisy
                else "it is not finite, or not positive where logarithms are compared; start elsewhere, "
                "parameters={name: value, ...}"
            )
            raise ValueError(f"the fit cannot start: {what} at t = {t:g}; {help}")
    raise ValueError("the fit cannot start: the sensitivities at the start are not finite")


def _warn(result: FitResult) -> None:
    if not result.success:
        warnings.warn(
            f"the fit has not converged: {result.message}"
            + ("" if result.message == ENDED else "; try more starts, starts=20, or other bounds"),
            RuntimeWarning,
            stacklevel=3,
        )
    if result.unidentified:
        lines = "; ".join(str(one) for one in result.unidentified)
        warnings.warn(
            f"the data do not identify all parameters: {lines}. Fix one (leave it out of parameters), or "
            "measure what tells them apart",
            IdentifiabilityWarning,
            stacklevel=3,
        )
    for sentence in (hardly_known(result), outweighed(result)):
        if sentence:
            warnings.warn(sentence, IdentifiabilityWarning, stacklevel=3)


def _whole(value: Any, what: str, least: int = 1) -> int:
    number = real(value, what)
    if number < least or number != int(number):
        raise ValueError(
            f"{what} = {value!r}: it must be a {'positive ' * (least == 1)}whole number, {least} or more"
        )
    return int(number)


@contextmanager
def _told(
    starts: int, progress: bool, callback: Callable[[dict[str, float], float], Any] | None
) -> Iterator[Tell]:
    """Tells of losses as they come, and of searches that have ended."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of values and loss, found {type(callback).__name__}")

    def called(objective: Objective, theta: np.ndarray, value: float, ended: bool) -> object:
        return callback is not None and not ended and callback(objective.values(theta), value)

    if not progress:
        yield called
        return
    from symde.progress import counter

    best = np.inf
    with counter(starts, "start") as update:

        def tell(objective: Objective, theta: np.ndarray, value: float, ended: bool) -> object:
            nonlocal best
            best = min(best, value)
            update(int(ended), f"loss {value:.6g}, best {best:.6g}")
            return called(objective, theta, value, ended)

        yield tell
