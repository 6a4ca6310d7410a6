"""`symde.LeastSquares`: the distance of a model to data, as a loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symde.fit.experiment import Experiment
from symde.fit.matched import Matched
from symde.problem.problem import Problem
from symde.sensitivity.loss import LossValue, Part


class LeastSquares:
    """The distance of a model to data: half the sum of squares of the residuals (model - data)/sigma.

        loss = symde.LeastSquares((times, values), names=["y1", "flux"], sigma=[0.1, 2.0])
        value, grad = symde.value_and_grad(loss, problem)

    Where `sigma` names a parameter or observable, the logarithms of the noise scales are added, so that the
    loss is the negative logarithm of the likelihood, up to a constant.

    Args:
        data: (times, values) with values of shape (n_rows,) or (n_rows, k); a pandas frame or a mapping of
            columns; an `Experiment`, or a list of them. NaN is a missing value.
        names, sigma, weights, log, time: As in `symde.Experiment`, for all experiments that do not say
            otherwise.

    Attributes:
        experiments: The experiments.
    """

    def __init__(
        self,
        data: Any,
        names: Any = None,
        *,
        sigma: Any = None,
        weights: Any = None,
        log: Any = None,
        time: Any = None,
    ) -> None:
        several = isinstance(data, Sequence) and any(isinstance(one, Experiment) for one in data)
        given: list[Any] = list(data) if several else [data]
        for one in given if several else ():
            if not isinstance(one, Experiment):
                raise TypeError(f"a list of experiments holds symde.Experiment alone, found {one!r:.100}")
        defaults = {"names": names, "sigma": sigma, "weights": weights, "log": log, "time": time}
        self.experiments = tuple(
            (one if isinstance(one, Experiment) else Experiment(one)).under(**defaults) for one in given
        )
        for number in range(len(self.experiments)):
            self._told(number, lambda one: one.table)  # what is wrong with the data themselves is told here
        self._matched: tuple[Any, Any, tuple[Matched, ...]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """The data alone: what a model says of them is found again."""
        return {"experiments": self.experiments, "_matched": None}

    def __repr__(self) -> str:
        values = sum(int(np.isfinite(one.table.values).sum()) for one in self.experiments)
        return f"<LeastSquares: {values} values, {_count(len(self.experiments), 'experiment')}>"

    def matched(self, problem: Problem) -> tuple[Matched, ...]:
        """The data of each experiment with what the problem's model says of them.

        Raises:
            ValueError, TypeError: data and model do not fit together, with the reason.
        """
        kept, span = self._matched, problem.given_tspan
        if kept is None or kept[0] is not problem.system or kept[1] is not span:
            known = [one.sigma is not None for one in self.experiments]
            if any(known) and not all(known):
                raise ValueError(
                    "some experiments have a sigma and others none, so that they cannot be weighed against "
                    "each other: give all of them one, or none"
                )
            kept = self._matched = (
                problem.system,
                span,
                tuple(self._told(k, lambda one: one.matched(problem)) for k in range(len(self.experiments))),
            )
        return kept[2]

    def _told(self, number: int, action: Callable[[Experiment], Any]) -> Any:
        """What an action on an experiment gives; its mistakes say which experiment it is."""
        one = self.experiments[number]
        try:
            return action(one)
        except (TypeError, ValueError) as error:
            if type(error) not in (TypeError, ValueError) or (len(self.experiments) == 1 and not one.name):
                raise
            called = f" ({one.name})" if one.name else ""
            raise type(error)(f"experiment {number + 1}{called}: {error}") from None

    def parts(self, problem: Problem) -> tuple[Part, ...]:
        """The solves of this loss, one an experiment (see `symde.sensitivity.loss`)."""
        return tuple(
            Part(one.problem(problem), _Share(one), frozenset(one.fixed_p), frozenset(one.fixed_u0))
            for one in self.matched(problem)
        )


class _Share:
    """One experiment as a loss of its solve."""

    def __init__(self, data: Matched) -> None:
        self._data = data

    def times(self, problem: Problem) -> np.ndarray:
        """The times of its data."""
        return self._data.times

    def evaluate(self, problem: Problem, t: np.ndarray, u: np.ndarray) -> LossValue:
        """Its loss."""
        return self._data.at(t, u, problem.p).loss()

    def of_paths(self, problem: Problem, t: np.ndarray, u: np.ndarray) -> LossValue:
        """The loss of the mean of paths u, shape (paths, n_times, n)."""
        return self._data.at(t, u, problem.p).loss()


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
