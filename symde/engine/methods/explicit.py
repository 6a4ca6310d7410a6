"""Explicit Runge-Kutta methods, proved to be of the order they claim when they are put together.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.1, II.4 and
II.6; E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs, stability
from symde.engine.methods.exact import numbers
from symde.engine.methods.published import Published
from symde.engine.methods.trees import conditions


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ExplicitStages(Published):
    """The stages and the interpolant of an explicit Runge-Kutta method.

        k_i = f(t + c_i h, u + h sum_j a_ij k_j),   u_new = u + h sum_i b_i k_i
        u(theta) = u + h sum_j sum_m interpolant[j, m] theta^(m+1) k_j

    The continuous solution may use extra stages, which come after the others; each has a row of `extra_a` and
    a time in `extra_c`.

    Attributes:
        order: of the solution that goes on.
        a, b, c: stages x stages, stages, stages.
        error: b minus the weights of the embedded solution, stages; None for fixed steps.
        interpolant: (stages + extra) x degree.
        interpolant_order: q where the continuous solution from an exact start is off by h^(q+1).
        extra_a, extra_c: extra x (stages + extra), extra.
        real_stability: length of the stability interval on the negative real axis.
    """

    kind: ClassVar[str] = "explicit Runge-Kutta"
    variable_order: ClassVar[bool] = False

    order: int
    a: Any
    b: Any
    c: Any
    error: Any
    interpolant: Any
    interpolant_order: int
    extra_a: Any = ()
    extra_c: Any = ()
    real_stability: float = field(init=False, default=0.0)

    def _complete(self, embedded: Mapping[str, int]) -> None:
        """Round, prove and measure; `embedded` has the order of each embedded solution by the name of its
        weights, which are those of the solution minus its own."""
        stages = len(numbers(self.b))
        degree = max(len(numbers(row)) for row in self.interpolant)
        widths = {"a": stages, "interpolant": degree, "extra_a": stages + len(numbers(self.extra_c))}
        self._round(widths, ("b", "c", "error", *embedded, "extra_c"))
        self._prove(embedded)
        object.__setattr__(self, "real_stability", stability.real_stability(self.b, self.a))

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

    def _every_stage(self) -> np.ndarray:
        """The a_ij of all stages with those of the interpolant, square."""
        every = self.stages + len(self.extra_c)
        full = np.zeros((every, every))
        full[: self.stages, : self.stages] = self.a
        full[self.stages :] = self.extra_a
        return full

    def _prove(self, embedded: Mapping[str, int]) -> None:
        name, stages, extra = self.name, self.stages, len(self.extra_c)
        for key, rows in (("a", stages), ("c", stages), ("interpolant", stages + extra), ("extra_a", extra)):
            proofs.equal(name, f"rows of {key}", len(getattr(self, key)), rows)
        proofs.strictly_lower(name, "a", self.a)
        proofs.strictly_lower(name, "extra_a", self.extra_a, first=stages)
        every = self._every_stage()
        times = np.append(self.c, self.extra_c)
        proofs.equal(name, "c is the row sums of a", every.sum(axis=1), times, np.abs(every).sum(axis=1))
        found = conditions(max(self.order, self.interpolant_order, *embedded.values(), 0), every)
        b = np.append(self.b, np.zeros(extra))
        proofs.weights(name, "solution", b, found, self.order)
        for key, order in embedded.items():
            error = getattr(self, key)
            proofs.equal(name, f"weights of {key}", len(error), stages)
            lower = b - np.append(error, np.zeros(extra))
            proofs.weights(name, f"embedded solution of {key}", lower, found, order)
        ends = np.abs(self.interpolant).sum(axis=1)
        proofs.equal(name, "the interpolant ends at the solution", self.interpolant.sum(axis=1), b, ends)
        proofs.continuous_weights(name, self.interpolant, found, self.interpolant_order)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ExplicitTableau(ExplicitStages):
    """An explicit Runge-Kutta method with one error estimate, h sum_i error_i k_i, or with none.

    Attributes:
        embedded_order: of the solution it is compared with; None for fixed steps.

    Raises:
        TableauError: the numbers contradict each other, or are not of the order claimed.
    """

    family: ClassVar[str] = "explicit"

    embedded_order: int | None

    def __post_init__(self) -> None:
        if self.adaptive != (self.embedded_order is not None):
            raise proofs.TableauError(f"{self.name}: an error estimate and its order come together")
        self._complete({} if self.embedded_order is None else {"error": self.embedded_order})

    @property
    def adaptive(self) -> bool:
        """Whether an error estimate can choose the steps."""
        return self.error is not None

    @property
    def fsal(self) -> bool:
        """Whether the last stage is the first of the next step."""
        return self.stages > 1 and self.c[-1] == 1 and bool(np.array_equal(self.a[-1], self.b))
