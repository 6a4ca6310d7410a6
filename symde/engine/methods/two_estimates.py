"""Explicit methods whose error is judged by two estimates together.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from symde.engine.methods import stability
from symde.engine.methods.exact import numbers
from symde.engine.methods.method import Named
from symde.engine.methods.tableau import exact_numbers, keep_and_round, prove_explicit


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TwoEstimatesTableau(Named):
    """An explicit Runge-Kutta method with two error estimates; a step is that of `ExplicitTableau`.

        fine = h sum_i error_i k_i,   coarse = h sum_i coarse_error_i k_i
        |error| = |fine| * |fine| / sqrt(|fine|^2 + 0.01 |coarse|^2)

    The norm of the error shrinks as h^(2 (p + 1) - (q + 1)) for estimates of orders p and q: where the fine
    estimate vanishes by accident, the coarse one does not hide it, and where both are small, steps grow as
    for an estimate of the order that `embedded_order` states.

    Attributes:
        name: what to ask for.
        order: of the solution that goes on.
        error_order, coarse_order: of the two embedded solutions.
        a, b, c: stages x stages, stages, stages.
        error, coarse_error: b minus the weights of the embedded solutions, stages.
        interpolant: (stages + extra) x degree.
        interpolant_order: q where the continuous solution from an exact start is off by h^(q+1).
        citation: what to cite.
        when_to_use: one sentence.
        source: where the numbers are found.
        extra_a, extra_c: extra x (stages + extra), extra.
        real_stability: length of the stability interval on the negative real axis.
        given: the coefficients as published, with their widths; `exact` reads them.

    Raises:
        TableauError: the numbers contradict each other, or are not of the order claimed.

    Source: Hairer, Norsett & Wanner I, II.10, error estimation of the method of order 8.
    """

    family: ClassVar[str] = "explicit_two_estimates"
    kind: ClassVar[str] = "explicit Runge-Kutta"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False

    name: str
    order: int
    error_order: int
    coarse_order: int
    a: Any
    b: Any
    c: Any
    error: Any
    coarse_error: Any
    interpolant: Any
    interpolant_order: int
    citation: str
    when_to_use: str
    source: str
    extra_a: Any = ()
    extra_c: Any = ()
    real_stability: float = field(init=False, default=0.0)
    given: dict[str, Any] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        stages = len(numbers(self.b))
        every = stages + len(numbers(self.extra_c))
        degree = max(len(numbers(row)) for row in self.interpolant)
        widths = {"a": stages, "interpolant": degree, "extra_a": every}
        keep_and_round(self, widths, ("b", "c", "error", "coarse_error", "extra_c"))
        embedded = {
            "embedded solution": (self.error, self.error_order),
            "coarse embedded solution": (self.coarse_error, self.coarse_order),
        }
        prove_explicit(self, embedded)
        object.__setattr__(self, "real_stability", stability.real_stability(self.b, self.a))

    @property
    def exact(self) -> Mapping[str, Any]:
        """All coefficients as fractions, by name: tuples of numbers, or of rows."""
        return exact_numbers(self.given)

    @property
    def embedded_order(self) -> int:
        """The order of one estimate that would shrink as the two together do."""
        return 2 * self.error_order - self.coarse_order

    @property
    def stages(self) -> int:
        """Stages of a step, without those of the interpolant."""
        return len(self.b)

    @property
    def stability(self) -> str:
        """Up to where on the negative real axis decay is kept."""
        return f"to -{self.real_stability:.2g}"

    @property
    def imaginary_stability(self) -> float:
        """Length of the stability interval on the imaginary axis, from zero to one of its ends."""
        return stability.imaginary_stability(self.b, self.a)
