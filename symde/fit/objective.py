"""`symde.Objective`: data, model and parameters as functions of one vector, as optimisers take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.fit.least_squares import LeastSquares
from symde.fit.matched import Compared, Matched
from symde.fit.parameters import Parameters, parameters_of
from symde.fit.solves import ATOL, RTOL, solves_of
from symde.noise import seed_of
from symde.problem.problem import Problem
from symde.problem.solution import Solution, SolveError
from symde.sensitivity import registry
from symde.sensitivity.gradient import value_and_grad
from symde.sensitivity.wrt import wrt_of


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Everything that one solve with sensitivities tells of a vector theta.

    Attributes:
        value: The loss.
        residuals: Shape (number of values,).
        jacobian: Their derivatives by theta, shape (number of values, k).
        information: Rows whose product with themselves is the Fisher information, shape (rows, k).
        gradient: Derivative of the loss by theta, shape (k,).
    """

    value: float
    residuals: np.ndarray
    jacobian: np.ndarray
    information: np.ndarray
    gradient: np.ndarray


def require_problem(problem: Any) -> None:
    """Refuse what is no problem."""
    if not isinstance(problem, Problem):
        raise TypeError(
            f"expected a symde.Problem, found {type(problem).__name__}: write symde.Problem(model, ...)"
        )


class Objective:
    """The distance of a model to data as a function of a vector, for `scipy.optimize` and other optimisers.

        objective = symde.Objective(problem, loss, parameters=["k1", "k2"])
        start, bounds = objective.start, objective.bounds
        found = scipy.optimize.least_squares(objective.residuals, start, objective.jacobian, bounds)
        objective.values(found.x)                   # the parameters themselves, by name

    The vector theta holds logarithms of parameters whose bounds say that they are positive, and the others in
    multiples of their size (`nominal` in the text, else that of the start).

    Args:
        problem: The problem; its parameters and initial values are the start.
        data: A `LeastSquares`, or anything it is made from.
        parameters: Names of parameters, and of states for their initial values ("x(0)"); or a mapping of
            names to starting values. Default: all parameters.
        bounds: Bounds by name. Default: those of the text.
        scale: "log" or "linear", for all or by name. Default: "log" where the bounds say it is positive.
        sensealg: How `value_and_grad` differentiates. Residuals are differentiated forward.
        method, rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`. Of a problem with noise
            also `n`, the number of paths whose mean is compared with the data, and `seed`, theirs for all
            parameters.

    Attributes:
        loss: The data.
        problem: The problem at the start.
        parameters: What is estimated.
        failure: The error of the last solve that failed; None: there was none.

    Raises:
        ValueError, TypeError: data, model and parameters do not fit together, with the reason.
    """

    def __init__(
        self,
        problem: Problem,
        data: Any,
        parameters: Any = None,
        *,
        bounds: Mapping[str, Any] | None = None,
        scale: Any = None,
        sensealg: str = registry.AUTO,
        method: Any = None,
        rtol: float = RTOL,
        atol: Any = ATOL,
        **solving: Any,
    ) -> None:
        require_problem(problem)
        self._solving: dict[str, Any] = {"method": method, "rtol": rtol, "atol": atol, **solving}
        if problem.kind == "sde":  # the same noise whatever the parameters
            self._solving["seed"] = seed_of(solving.get("seed"))
        self._solves = solves_of(problem, self._solving)
        self._sensealg = sensealg
        self.problem = problem
        self.loss = data if isinstance(data, LeastSquares) else LeastSquares(data)
        self._data = self.loss.matched(problem)
        self.parameters: Parameters = parameters_of(problem, parameters, bounds, scale, self._fixed())
        self._ready()

    def _fixed(self) -> list[set[str]]:
        """Names that each experiment sets itself."""
        return [{*one.fixed_p, *(f"{state}(0)" for state in one.fixed_u0)} for one in self._data]

    def _ready(self) -> None:
        self._free = [np.flatnonzero([name not in one for name in self.names]) for one in self._fixed()]
        self._bases = [one.problem(self.problem) for one in self._data]
        self.failure: SolveError | None = None
        self._last: tuple[bytes, Point | None] = b"", None

    def __getstate__(self) -> dict[str, Any]:
        """What it was made from; the rest, compiled code among it, is made again."""
        return {key: self.__dict__[key] for key in ("problem", "loss", "parameters", "_sensealg", "_solving")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._solves = solves_of(self.problem, self._solving)
        self._data = self.loss.matched(self.problem)
        self._ready()

    def alike(self) -> Objective:
        """The same for another thread, with a memory of its own."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new

    def __repr__(self) -> str:
        return f"<Objective: {len(self.names)} parameters, {self.size} values, noise {self.noise}>"

    # -- what an optimiser is started with

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what is estimated."""
        return self.parameters.names

    @property
    def start(self) -> np.ndarray:
        """Theta of the start, shape (k,)."""
        return self.parameters.start.copy()

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of theta, as `scipy.optimize.least_squares` takes them;
        `scipy.optimize.minimize` takes `scipy.optimize.Bounds(*objective.bounds)`."""
        return self.parameters.bounds

    @property
    def size(self) -> int:
        """Number of values that count."""
        return sum(len(one.values) for one in self._data)

    @property
    def noise(self) -> str:
        """ "given", "estimated" (it is a quantity of the model), or "unknown"."""
        if any(one.noises for one in self._data):
            return "estimated"
        return "given" if self._data[0].noise_known else "unknown"

    @property
    def data(self) -> tuple[Matched, ...]:
        """The data of each experiment beside the model."""
        return self._data

    def values(self, theta: Any) -> dict[str, float]:
        """The parameters themselves, by name."""
        return dict(
            zip(self.names, self.parameters.values(np.asarray(theta, dtype=float)).tolist(), strict=True)
        )

    def problem_at(self, theta: Any) -> Problem:
        """The problem with these parameters."""
        return self.parameters.put(self.problem, self.parameters.values(np.asarray(theta, dtype=float)))

    # -- what it evaluates

    def residuals(self, theta: Any) -> np.ndarray:
        """Residuals (model - data)/sigma times the root of the weight, shape (number of values,), in the
        order of the data's rows, experiment after experiment; NaN where a solve fails, which makes optimisers
        of SciPy try a shorter step (`failure` tells why).

        Raises:
            ValueError: the noise is estimated, so that the loss is no sum of squares.
        """
        point = self._squares(theta)
        return np.full(self.size, np.nan) if point is None else point.residuals.copy()

    def jacobian(self, theta: Any) -> np.ndarray:
        """The exact derivative of the residuals, shape (number of values, k), from the same solve."""
        point = self._squares(theta)
        return np.full((self.size, len(self.names)), np.nan) if point is None else point.jacobian.copy()

    def value(self, theta: Any) -> float:
        """The loss; infinite where a solve fails."""
        total = 0.0
        try:
            for number, (one, own) in enumerate(zip(self._data, self._problems(theta), strict=True)):
                total += self._solves.compared(number, one, own)[1].value
        except SolveError as error:
            self.failure = error
            return np.inf
        return total if np.isfinite(total) else np.inf

    def value_and_grad(self, theta: Any) -> tuple[float, np.ndarray]:
        """The loss and its gradient, shape (k,), for `scipy.optimize.minimize(..., jac=True)`; infinite and
        NaN where a solve fails."""
        problem = self.problem_at(theta)
        try:
            value, gradient = value_and_grad(
                self.loss, problem, wrt=self.names, sensealg=self._sensealg, **self._solves.options
            )
        except SolveError as error:
            self.failure = error
            return np.inf, np.full(len(self.names), np.nan)
        return value, gradient.vector() * self._slopes(theta)

    def point(self, theta: Any) -> Point | None:
        """Loss, residuals and derivatives of one vector, None where a solve fails."""
        theta = np.ascontiguousarray(theta, dtype=float)
        key = theta.tobytes()
        if self._last[0] != key:
            try:
                self._last = key, self._solve(theta)
            except SolveError as error:
                self.failure = error
                self._last = key, None
        return self._last[1]

    def compared(self, theta: Any) -> list[tuple[Matched, Solution, Compared]]:
        """The data of each experiment with the solution of its problem.

        Raises:
            SolveError: a solve fails.
        """
        result = []
        for number, (one, own) in enumerate(zip(self._data, self._problems(theta), strict=True)):
            result.append((one, *self._solves.compared(number, one, own)))
        return result

    def curve(self, theta: Any, number: int, times: np.ndarray) -> Mapping[str, np.ndarray]:
        """What the data of an experiment are of at some times, by name, and these times as "t"."""
        return self._solves.curve(number, self._data[number], self._problems(theta)[number], times)

    @property
    def derivative_error(self) -> float:
        """Relative error of the derivatives of predictions."""
        return self._solves.derivative_error

    @property
    def solving(self) -> dict[str, Any]:
        """Options of the solves."""
        return dict(self._solving)

    def _squares(self, theta: Any) -> Point | None:
        if self.noise == "estimated":
            raise ValueError(
                "sigma is estimated, so that the loss is a likelihood and no sum of squares: minimise "
                "value_and_grad, or use symde.fit"
            )
        return self.point(theta)

    def _slopes(self, theta: Any) -> np.ndarray:
        return self.parameters.slopes(self.parameters.values(np.asarray(theta, dtype=float)))

    def _problems(self, theta: Any) -> list[Problem]:
        """The problem of each experiment."""
        values = self.parameters.values(np.asarray(theta, dtype=float))
        return [
            self.parameters.put(base, values, free)
            for base, free in zip(self._bases, self._free, strict=True)
        ]

    def _solve(self, theta: np.ndarray) -> Point:
        slopes, parts = self._slopes(theta), []
        value, gradient = 0.0, np.zeros(len(slopes))
        experiments = zip(self._data, self._problems(theta), self._free, strict=True)
        for number, (one, own, free) in enumerate(experiments):
            compared, states, parameters = self._forward(number, own, one, free)
            derivatives = compared.derivatives(states * slopes, parameters * slopes)
            value, gradient = value + compared.value, gradient + derivatives.gradient
            parts.append((compared.residuals, derivatives.jacobian, derivatives.information))
        residuals, jacobian, information = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Point(value, residuals, jacobian, information, gradient)

    def _forward(
        self, number: int, problem: Problem, data: Matched, free: np.ndarray
    ) -> tuple[Compared, np.ndarray, np.ndarray]:
        """The comparison, and the derivatives of states and parameters by what is estimated, zero where the
        experiment sets it itself: shapes (..., n_times, n, k) and (m, k)."""
        count = len(self.names)
        parameters = np.zeros((len(problem.p), count))
        if not len(free):
            _, compared = self._solves.compared(number, data, problem)
            return compared, np.zeros((len(data.times), len(problem.u0), count)), parameters
        names = [self.names[i] for i in free]
        wanted = wrt_of(names, problem.system)
        found = self._solves.derived(number, data, problem, names)
        states = np.zeros((*found.dp.shape[:-1], count))
        of_parameters = np.array([entry.of_parameters for entry in wanted.entries])
        indices = np.array([entry.indices[0] for entry in wanted.entries])
        for chosen, all_indices, derivatives in (
            (of_parameters, wanted.parameters, found.dp),
            (~of_parameters, wanted.states, found.du0),
        ):
            places = np.searchsorted(all_indices, indices[chosen])
            states[..., free[chosen]] = derivatives[..., places]
        parameters[:, free[of_parameters]] = found.parameters[:, indices[of_parameters]]
        return found.compared, states, parameters
