"""What a fit gives back."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.fit.identifiability import Known, Unidentified, degrees_of_freedom, known_of
from symde.fit.objective import Objective
from symde.fit.profile import Profile, profile_of
from symde.fit.scoring import Found
from symde.fit.searches import Start
from symde.problem.problem import Problem
from symde.problem.solution import Solution
from symde.problem.values import real, unknown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_FACTOR = 1e6
"""Ends of an interval that say nothing of a parameter's size."""


def same_loss(one: Start, other: Start, noise: str) -> bool:
    """Whether two searches ended equally well, as far as noise (`Objective.noise`) lets anyone tell."""
    unit = abs(one.value) + abs(other.value) if noise == "unknown" else 1.0
    return math.isfinite(unit) and abs(one.value - other.value) <= 1e-6 * unit


@dataclass(frozen=True, eq=False)
class FitResult:
    """The result of a fit: `result["k1"]` is an estimate.

    Attributes:
        objective: The loss as a function of a vector, with the data and the parameters' coordinates.
        theta: The estimate in those coordinates, shape (k,).
        value: The loss: half the sum of squared residuals, with the logarithms of estimated noise scales.
        success: Whether the estimate is an optimum.
        message: Why the search ended, as a sentence.
        starts: All searches, the best one first.
        iterations: Steps of the best search.
    """

    objective: Objective
    theta: np.ndarray
    value: float
    success: bool
    message: str
    starts: tuple[Start, ...]
    iterations: int
    _found: Found
    _max_iterations: int

    def __getstate__(self) -> dict[str, Any]:
        """What was found, without what follows from it."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    # -- the estimate

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what was estimated, initial values as "x(0)"."""
        return self.objective.names

    @property
    def x(self) -> np.ndarray:
        """The estimates, in the order of `names`, shape (k,)."""
        return self.objective.parameters.values(self.theta)

    @property
    def values(self) -> dict[str, float]:
        """The estimates by name."""
        return self.objective.values(self.theta)

    def __getitem__(self, name: Any) -> float:
        return float(self.x[self._index(name)])

    def __repr__(self) -> str:
        values = ", ".join(f"{name} = {value:.6g}" for name, value in list(self.values.items())[:6])
        more = ", ..." if len(self.names) > 6 else ""
        return f"<FitResult{'' if self.success else ' not converged'}: {values}{more}; loss {self.value:.6g}>"

    @property
    def problem(self) -> Problem:
        """The problem with the estimates."""
        return self.objective.problem_at(self.theta)

    @cached_property
    def solutions(self) -> tuple[Solution, ...]:
        """The solution of each experiment at the times of its data."""
        return tuple(solution for _, solution, _ in self._compared)

    @property
    def solution(self) -> Solution:
        """The solution at the times of the data; of several experiments, of the first."""
        return self.solutions[0]

    @cached_property
    def _compared(self) -> list[Any]:
        return self.objective.compared(self.theta)

    @property
    def residuals(self) -> Any:
        """(model - data)/sigma times the root of the weight, in the shape of the data, NaN for what is
        missing or does not count; of several experiments a list of these."""
        tables = []
        for data, _, compared in self._compared:
            table = np.full(data.table.values.shape, np.nan)
            table[data.rows, data.columns] = compared.residuals
            tables.append(table)
        return tables[0] if len(tables) == 1 else tables

    @property
    def alternatives(self) -> list[dict[str, float]]:
        """Other parameters that fit as well, found from other starts: the data do not choose between them."""
        parameters, found = self.objective.parameters, [self.theta]
        for start in self.starts:
            if start.converged and same_loss(start, self.starts[0], self.objective.noise):
                theta = parameters.theta(start.end)
                if all(np.max(np.abs(theta - other)) > 0.01 for other in found):
                    found.append(theta)
        return [self.objective.values(theta) for theta in found[1:]]

    # -- how well it is known

    @cached_property
    def at_bound(self) -> np.ndarray:
        """Whether each estimate lies at a bound that holds it back, shape (k,)."""
        low, high = self.objective.bounds
        gradient = self._found.point.gradient
        return ((self.theta <= low) & (gradient >= 0.0)) | ((self.theta >= high) & (gradient <= 0.0))

    @cached_property
    def _known(self) -> Known:
        error, rows = self.objective.derivative_error, self._found.point.information
        return known_of(rows, self.objective.parameters, ~self.at_bound, error, self._unchanged)

    def _unchanged(self, step: np.ndarray) -> bool:
        """Whether the predictions are the same, to a part in a thousand, some way from the estimate."""
        here, there = self._found.point, self.objective.point(self.theta + step)
        if there is None:
            return False
        reach = np.linalg.norm(here.information, 2) * np.linalg.norm(step)
        return bool(np.linalg.norm(there.residuals - here.residuals) < 1e-3 * reach)

    @property
    def unidentified(self) -> tuple[Unidentified, ...]:
        """Parameters, and combinations of them, that the data tell nothing of."""
        return self._known.unidentified

    @property
    def hardly_known(self) -> tuple[str, ...]:
        """Parameters that the data identify, though so badly that the 95 % interval holds all that the bounds
        allow, or a factor of a million."""
        names = []
        for (name, (low, high)), one in zip(
            self.confidence_intervals().items(), self.objective.parameters, strict=True
        ):
            spread = high > _FACTOR * low if one.log else math.isfinite(one.high - one.low)
            if math.isfinite(self.standard_errors[name]) and (
                (one.log and spread) or (spread and low < one.low and high > one.high)
            ):
                names.append(name)
        return tuple(names)

    @property
    def outweighed(self) -> tuple[str, ...]:
        """Quantities whose values are all smaller than the noise: where that is unknown, and so the same for
        all, they hardly count beside larger ones."""
        if self.objective.noise != "unknown" or math.isnan(self.noise_variance):
            return ()
        noise, sizes = math.sqrt(self.noise_variance), dict[str, float]()
        for data in self.objective.data:
            seen = np.where(data.logs, np.inf, np.sqrt(data.weights) * np.abs(data.values))
            for column, name in enumerate(data.quantities):
                sizes[name] = max([sizes.get(name, 0.0), *seen[data.columns == column].tolist()])
        small = tuple(name for name, size in sizes.items() if 0.0 < size < noise)
        return small if len(small) < len(sizes) else ()

    @property
    def degrees_of_freedom(self) -> float:
        """Number of values less that of what they determine; NaN where nothing is left."""
        determined = int((~self.at_bound).sum()) - len(self.unidentified)
        return degrees_of_freedom(self.objective.size, determined)

    @property
    def noise_variance(self) -> float:
        """Variance of a residual of weight 1: 1 where the noise was given or is estimated, else the sum of
        squares over the degrees of freedom."""
        return 2.0 * self.value / self.degrees_of_freedom if self.objective.noise == "unknown" else 1.0

    @cached_property
    def covariance(self) -> np.ndarray:
        """Covariance of the estimates, from the Fisher information, shape (k, k). NaN for what lies at a
        bound; what the data do not identify has infinite variance."""
        slopes = self.objective.parameters.slopes(self.x)
        with np.errstate(invalid="ignore"):
            covariance = self._theta_covariance * np.outer(slopes, slopes)
        unknown = self._known.unknown
        covariance[unknown, unknown] = np.inf  # also of an estimate so small that its square is zero
        return covariance

    @cached_property
    def _theta_covariance(self) -> np.ndarray:
        covariance = self._known.covariance * self.noise_variance
        unknown = self._known.unknown
        covariance[unknown], covariance[:, unknown] = np.nan, np.nan
        covariance[unknown, unknown] = np.inf
        return covariance

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard error of each estimate: infinite where the data do not identify it, NaN at a bound."""
        return dict(zip(self.names, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    @property
    def correlation(self) -> np.ndarray:
        """Correlation of the estimates, shape (k, k); NaN where there is no covariance."""
        with np.errstate(all="ignore"):
            errors = np.sqrt(np.diag(self.covariance))
            return self.covariance / np.outer(errors, errors)

    def confidence_intervals(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Intervals from the standard errors: of a parameter searched by its logarithm from that of the
        logarithm. Student's distribution where the noise is unknown, the normal one else. For intervals that
        follow the curvature, see `profile`."""
        width = math.sqrt(self._threshold(level))
        with np.errstate(invalid="ignore", over="ignore"):
            errors = width * np.sqrt(np.diag(self._theta_covariance))
            ends = [self._unclipped(self.theta + side * errors) for side in (-1.0, 1.0)]
        return dict(zip(self.names, zip(ends[0].tolist(), ends[1].tolist(), strict=True), strict=True))

    def profile(self, name: Any, level: float = 0.95) -> Profile:
        """The profile likelihood of a parameter: the best loss over all others while it is held, and the
        interval where that is no worse than chance explains.

        Source: D. J. Venzon, S. H. Moolgavkar, A method for computing profile-likelihood-based confidence
        intervals, Applied Statistics 37 (1988).
        """
        index = self._index(name)
        variance = float(np.diag(self._theta_covariance)[index])
        return profile_of(
            self.objective,
            self.theta,
            self._found.point,
            index,
            error=math.sqrt(variance) if variance >= 0.0 else math.nan,
            unit=self.noise_variance,
            threshold=self._threshold(level),
            level=level,
            max_iterations=self._max_iterations,
        )

    # -- to look at

    def summary(self) -> str:
        """The fit as text."""
        from symde.fit.summary import summary

        return summary(self)

    def plot(self, vars: Any = None, **options: Any) -> list[Axes]:
        """Draw data and model, one picture a quantity; the axes (`symde.fit.plot.plot_fit`)."""
        from symde.fit.plot import plot_fit

        return plot_fit(self, vars, **options)

    def _threshold(self, level: float) -> float:
        """The square of the two-sided quantile."""
        if not 0.0 < real(level, "level") < 1.0:
            raise ValueError(f"level = {level:g}: a confidence level lies between 0 and 1")
        from scipy import stats

        if self.objective.noise == "unknown":
            return float(stats.t.ppf(0.5 + 0.5 * level, self.degrees_of_freedom)) ** 2
        return float(stats.norm.ppf(0.5 + 0.5 * level)) ** 2

    def _unclipped(self, theta: np.ndarray) -> np.ndarray:
        """The numbers, not cut at the bounds: an interval that leaves them says so."""
        return np.array(
            [
                (math.exp(value) if value < 709.0 else math.inf) if one.log else value * one.scale
                for one, value in zip(self.objective.parameters, theta.tolist(), strict=True)
            ]
        )

    def _index(self, name: Any) -> int:
        known = self.names
        for given in (str(name), f"{name}(0)"):
            if given in known:
                return known.index(given)
        raise unknown_name(str(name), "estimate", known)


class FitInterrupted(KeyboardInterrupt):
    """A fit interrupted by Ctrl-C. `result` holds the best of what was found until then."""

    def __init__(self, message: str, result: FitResult) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.result)
