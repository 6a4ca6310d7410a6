"""What a strategy of differentiation is: it records a solve and pulls weights of the saved states back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from symde.problem.solution import Solution
from symde.sensitivity.run import Run
from symde.sensitivity.wrt import Wrt


class Record(Protocol):
    """A solve, ready to be differentiated.

    Attributes:
        solution: The solution at the saved times.
    """

    @property
    def solution(self) -> Solution: ...

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and by all parameters (m,); those by
        parameters with all that follows them (`symde.sensitivity.start`). What `wrt` does not ask may be
        left 0. Records of models with events take the derivative by the end's time as well.

        Args:
            weights: One for each saved value, shape (n_times, n).
        """
        ...

    def refinement(self) -> Callable[[], Record] | None:
        """What does the same again with finer steps, to estimate the error, and keeps little of this record;
        None where the strategy cannot."""
        ...


class Strategy(Protocol):
    """A module of `symde.sensitivity` with a function `record`, named in the registry.

    It may have more: `least_work` for `symde.sensitivity.auto`, and for models with events what
    `symde.sensitivity.back_segments` asks for.
    """

    def record(self, run: Run, wrt: Wrt) -> Record:
        """Solve.

        Raises:
            ValueError: the strategy cannot differentiate this, with the reason and the alternatives.
            SolveError: the solve did not reach its end.
        """
        ...
