"""Explicit methods whose error is judged by two estimates together.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from symde.engine.methods.explicit import ExplicitStages


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class TwoEstimatesTableau(ExplicitStages):
    """An explicit Runge-Kutta method with two error estimates.

        fine = h sum_i error_i k_i,   coarse = h sum_i coarse_error_i k_i
        |error| = |fine| * |fine| / sqrt(|fine|^2 + 0.01 |coarse|^2)

    The norm of the error shrinks as h^(2 (p + 1) - (q + 1)) for estimates of orders p and q: where the fine
    estimate vanishes by accident, the coarse one does not hide it, and where both are small, steps grow as
    for an estimate of the order that `embedded_order` states.

    Attributes:
        error_order, coarse_order: of the two embedded solutions.
        coarse_error: b minus the weights of the coarse one, as `error` is of the other; stages.

    Raises:
        TableauError: the numbers contradict each other, or are not of the order claimed.

    Source: Hairer, Norsett & Wanner I, II.10, error estimation of the method of order 8.
    """

    family: ClassVar[str] = "explicit_two_estimates"
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False

    error_order: int
    coarse_order: int
    coarse_error: Any

    def __post_init__(self) -> None:
        self._complete({"error": self.error_order, "coarse_error": self.coarse_order})

    @property
    def embedded_order(self) -> int:
        """The order of one estimate that would shrink as the two together do."""
        return 2 * self.error_order - self.coarse_order
