"""Data beside what a model says of them: residuals, their derivatives, and the likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.fit.data import Table
from symde.problem.problem import Problem, remake
from symde.sensitivity.loss import LossValue
from symde.sensitivity.observation import MeanObserved, Observation, Observed

if TYPE_CHECKING:
    from symde.fit.experiment import Experiment


@dataclass(frozen=True, eq=False)
class Matched:
    """The values of one experiment that count, and where a model has them.

    With s the noise scale of a value and w its weight, its residual is r = sqrt(w) (y - d)/s, and the loss is
    half the sum of r^2, plus the sum of w log(s) where s is a quantity of the model: the negative logarithm
    of the likelihood of independent normal noise, up to a constant.

    Attributes:
        quantities, noises: Names of what the data are of, and of what gives noise scales.
        fixed_p, fixed_u0, tspan: Conditions of the experiment.
        times: Different times in the order of integration.
        rows, columns: Row and column of each value in the table.
        places: Index of its time among `times`.
        values: The values, as logarithms where those are compared (`logs`).
        sigma: Noise scales, NaN where a quantity gives them; `noise_of` is its index, or -1.
        weights: Weights, positive.
        observe: The quantities, then the noises, of the model.
    """

    experiment: Experiment
    table: Table
    quantities: tuple[str, ...]
    noises: tuple[str, ...]
    fixed_p: dict[str, float]
    fixed_u0: dict[str, float]
    tspan: tuple[float, float] | None
    times: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    places: np.ndarray
    values: np.ndarray
    logs: np.ndarray
    sigma: np.ndarray
    noise_of: np.ndarray
    weights: np.ndarray
    observe: Observation

    @cached_property
    def noise_known(self) -> bool:
        """Whether noise scales were given, or are quantities of the model."""
        return self.experiment.sigma is not None

    def problem(self, common: Problem) -> Problem:
        """The common problem under the conditions of this experiment."""
        changes: dict[str, Any] = {"p": self.fixed_p} if self.fixed_p else {}
        if self.fixed_u0:
            changes["u0"] = self.fixed_u0
        if self.tspan is not None and self.tspan != common.given_tspan:
            changes["tspan"] = self.tspan
        return remake(common, **changes) if changes else common

    def at(self, t: np.ndarray, u: np.ndarray, p: np.ndarray) -> Compared:
        """The data compared with saved states, shape (n_times, n), or with the means over paths of what they
        are of, shape (paths, n_times, n).

        Raises:
            ValueError: an event ended the solve before the last of the data.
        """
        if len(t) < len(self.times) or t[-1] != self.times[-1]:
            raise ValueError(
                f"an event ended the solve, and there are data up to t = {self.times[-1]:g}, after that: "
                "leave them out, or let the model go on"
            )
        return Compared(self, self.observe(t, u, p) if u.ndim == 2 else self.observe.of_paths(t, u, p))


class Compared:
    """Data compared with a solution.

    Attributes:
        residuals: Shape (number of values,), in the order of the table's rows.
        sigma: Noise scale of each value.
        predictions: What the model says, as logarithms where those are compared.
    """

    def __init__(self, data: Matched, observed: Observed | MeanObserved) -> None:
        self._data, self._observed = data, observed
        y = observed.values[data.places, data.columns]
        self._slope, self._noisy = np.ones_like(y), data.noise_of >= 0
        self._some_noisy = bool(data.noises)
        self.predictions, self.sigma = y, data.sigma
        if data.logs.any():
            with np.errstate(all="ignore"):
                self.predictions = np.where(data.logs, np.log(np.where(data.logs, y, 1.0)), y)
                self._slope = np.where(data.logs, 1.0 / np.where(data.logs, y, 1.0), 1.0)
        if self._some_noisy:
            self._noise_column = len(data.quantities) + data.noise_of
            scales = observed.values[data.places, np.where(self._noisy, self._noise_column, 0)]
            # a scale that is not positive has no likelihood: NaN, never a number
            self.sigma = np.where(self._noisy, np.where(scales > 0.0, scales, np.nan), data.sigma)
        self._root = np.sqrt(data.weights) / self.sigma
        self.residuals = self._root * (self.predictions - data.values)

    @property
    def value(self) -> float:
        """The loss."""
        total = 0.5 * float(self.residuals @ self.residuals)
        if self._some_noisy:
            total += float((self._data.weights * np.log(self.sigma))[self._noisy].sum())
        return total

    def loss(self) -> LossValue:
        """The loss with its derivatives by states and parameters."""
        data, weights = self._data, np.zeros_like(self._observed.values)
        np.add.at(weights, (data.places, data.columns), self.residuals * self._root * self._slope)
        if self._some_noisy:
            by_noise = (data.weights - self.residuals**2) / self.sigma
            noisy = self._noisy
            np.add.at(weights, (data.places[noisy], self._noise_column[noisy]), by_noise[noisy])
        return LossValue(self.value, *self._observed.pull_back(weights))

    def derivatives(self, states: np.ndarray, parameters: np.ndarray) -> Derivatives:
        """Derivatives by some x of all that a fit reads.

        Args:
            states: Derivatives of the saved states, shape (n_times, n, x), with the axis of paths before.
            parameters: Derivatives of the parameters, shape (m, x).
        """
        data, noisy, residuals = self._data, self._noisy, self.residuals
        every = self._observed.push_forward(states, parameters)
        mean = (self._root * self._slope)[:, None] * every[data.places, data.columns]
        gradient = mean.T @ residuals
        if not self._some_noisy:
            return Derivatives(mean, mean, gradient)
        scales = every[data.places[noisy], self._noise_column[noisy]] / self.sigma[noisy, None]
        weights, jacobian = data.weights[noisy], mean.copy()
        jacobian[noisy] -= residuals[noisy, None] * scales
        gradient += scales.T @ (weights - residuals[noisy] ** 2)
        return Derivatives(
            jacobian, np.concatenate([mean, np.sqrt(2.0 * weights)[:, None] * scales]), gradient
        )


@dataclass(frozen=True, slots=True, eq=False)
class Derivatives:
    """Derivatives of a comparison by some x.

    Attributes:
        jacobian: Those of the residuals, shape (number of values, x).
        information: Rows R of shape (rows, x), where R'R is the Fisher information of the likelihood.
        gradient: Those of the loss, shape (x,).

    Source: S. M. Kay, Fundamentals of Statistical Signal Processing: Estimation Theory (1993), equation
    (3.31), for the information of independent normal values whose means and scales depend on x.
    """

    jacobian: np.ndarray
    information: np.ndarray
    gradient: np.ndarray
