"""The numbers of diagonally implicit methods with an explicit first stage, proved when they are put together.

Source: C. A. Kennedy, M. H. Carpenter, Diagonally implicit Runge-Kutta methods for ordinary differential
equations, a review, NASA/TM-2016-219173 (2016), sections 2 and 5; E. Hairer, G. Wanner, Solving Ordinary
Differential Equations II (1996), IV.3 and IV.6.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import exact_row, minus, numbers
from symde.engine.methods.method import Described
from symde.engine.methods.published import Published
from symde.engine.methods.trees import Conditions, conditions, coupled_conditions

_PREDICTED = 4
"""Largest order of the trees whose terms a predictor keeps; those of higher order made it no better."""


def _prediction(found: Conditions, i: int) -> np.ndarray:
    """The shortest weights of the stages before stage i with which k_i is predicted to the highest order.

    sum_j w_j Phi_j(t) = Phi_i(t) for all trees up to some order: the polynomial through the k before it where
    they are few, and where they are many, of all that are as good, the one that magnifies errors the least.
    """
    weights = np.zeros(found.vectors.shape[1])
    for order in range(_PREDICTED, 0, -1):
        vectors = found.vectors[found.orders <= order]
        shortest = np.linalg.lstsq(vectors[:, :i], vectors[:, i], rcond=1e-10)[0]
        if i and (order == 1 or np.abs(vectors[:, :i] @ shortest - vectors[:, i]).max() < 1e-9):
            weights[:i] = shortest
            break
    return weights


def _final_slope(found: Conditions) -> np.ndarray:
    """The shortest weights of all k that give h dk/dt at the end of a step, to order 2."""
    wanted = found.orders <= 3
    orders = found.orders[wanted]
    # k at theta has the terms order * theta^(order - 1) / density
    target = (orders - 1) * orders * found.targets[wanted]
    return np.linalg.lstsq(found.vectors[wanted], target, rcond=1e-10)[0]


_CUBIC = 3


def _algebraic_interpolant(a: np.ndarray, c: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Weights of the k, as those of the interpolant, that give algebraic variables off by h^4; the usual ones
    where the method has too few stages at different times.

    The k of an algebraic variable are differences of its stages over h, and of one order less. The stages z_i
    themselves are off by a multiple of d_i h^3, d_i = sum_j a_ij c_j^2 - c_i^3/3, and what is smaller, as
    those of all methods of stage order 2. So the shortest weights are taken with which

        z(theta) = sum_i beta_i(theta) z_i,   sum_i beta_i = 1,   sum_i beta_i c_i^k = theta^k, k = 1, 2, 3,
        sum_i beta_i d_i = 0,   beta(0) and beta(1) the first and the last stage.

    Source: for the expansion of the stages, E. Hairer, G. Wanner, Solving Ordinary Differential Equations II
    (1996), VI.1: z_i solves the constraint with x_i.
    """
    stages, degree = usual.shape
    moments = np.array([np.ones(stages), c, c**2, c**3, a @ c**2 - c**3 / 3])
    conditions, ends = np.kron(np.eye(_CUBIC), moments), np.kron(np.ones(_CUBIC), np.eye(stages))
    wanted = np.eye(_CUBIC, len(moments), 1).ravel()
    last = np.zeros(stages)
    last[0], last[-1] = -1.0, 1.0
    system, right = np.vstack([conditions, ends]), np.append(wanted, last)
    beta = np.linalg.lstsq(system, right, rcond=1e-12)[0]
    if degree < _CUBIC or np.abs(system @ beta - right).max() > 1e-11:
        return usual
    weights = np.zeros((stages, degree))
    weights[:, :_CUBIC] = a.T @ beta.reshape(_CUBIC, stages).T
    return weights


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class EsdirkTableau(Published):
    """A singly diagonally implicit Runge-Kutta method; its first stage is explicit, its last is the step.

        k_i = f(t + c_i h, u + h sum_j a_ij k_j)
        u_new = u + h sum_j a_sj k_j,   error = h sum_i error_i k_i
        u(theta) = u + h sum_j sum_m interpolant[j, m] theta^(m+1) k_j

    Attributes:
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with.
        a: stages x stages, lower, one number on the diagonal but for its first, which is zero.
        c: stages.
        embedded: the weights of the embedded solution, stages.
        interpolant: stages x degree.
        interpolant_order: q where the continuous solution from an exact start is off by h^(q+1).
        stability: "L-stable", or "A-stable" where what is infinitely stiff decays but does not vanish at
            once.
        explicit_a: the explicit half of an additive pair with the same weights and times, stages x stages;
            None where there is no such half. `additive` is the pair.
        error: the last row of a minus the embedded weights, stages.
        predictor: weights of the stages before each stage that predict its k, stages x stages.
        slope: weights of the stages that give h dk/dt at the end of the step, stages.
        algebraic_interpolant: the interpolant where some variables have no derivative, stages x degree.

    Raises:
        TableauError: the numbers contradict each other, are not of the order claimed, or do not damp what is
            infinitely stiff as claimed.
    """

    family: ClassVar[str] = "esdirk"
    kind: ClassVar[str] = "ESDIRK"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = True
    real_stability: ClassVar[float] = float("inf")

    order: int
    embedded_order: int
    a: Any
    c: Any
    embedded: Any
    interpolant: Any
    interpolant_order: int
    stability: str = "L-stable"
    explicit_a: Any = None
    error: Any = field(init=False, repr=False)
    predictor: Any = field(init=False, repr=False)
    slope: Any = field(init=False, repr=False)
    algebraic_interpolant: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        stages, degree = len(numbers(self.c)), max(len(numbers(row)) for row in self.interpolant)
        b, embedded = exact_row(self.a[-1], stages), exact_row(self.embedded, stages)
        object.__setattr__(self, "embedded", embedded)
        object.__setattr__(self, "error", minus(b, embedded))
        widths = {"a": stages, "interpolant": degree, "explicit_a": stages}
        self._round(widths, ("c", "embedded", "error"))
        self._prove()
        found = conditions(_PREDICTED, self.a)
        object.__setattr__(self, "predictor", np.array([_prediction(found, i) for i in range(stages)]))
        object.__setattr__(self, "slope", _final_slope(found))
        algebraic = self.interpolant
        if self.order > _CUBIC:  # of others it is as good as their steps
            algebraic = _algebraic_interpolant(self.a, self.c, algebraic)
        object.__setattr__(self, "algebraic_interpolant", algebraic)

    @property
    def stages(self) -> int:
        """Stages of a step; each but the first solves a system of equations."""
        return len(self.c)

    @property
    def gamma(self) -> float:
        """The one diagonal coefficient."""
        return float(self.a[-1, -1])

    @property
    def b(self) -> np.ndarray:
        """The weights of the step, which are the last stage's."""
        return self.a[-1]

    @property
    def additive(self) -> AdditiveTableau | None:
        """The pair that takes a split equation's stiff part by this method, the rest by the explicit half."""
        return None if self.explicit_a is None else _pair(self)

    def stability_function(self, z: complex) -> complex:
        """R(z) = 1 + z b (I - z a)^-1 1: Hairer & Wanner II, (3.2)."""
        one = np.ones(self.stages)
        return 1 + z * self.b @ np.linalg.solve(np.eye(self.stages) - z * self.a, one)

    def stiff_stages(self) -> np.ndarray:
        """What the stages of u' = z u / h tend to, in units of u, as z goes to minus infinity: sum_j a_ij u_j
        = 0 for all but the first."""
        return np.append(1.0, np.linalg.solve(self.a[1:, 1:], -self.a[1:, 0]))

    def _prove(self) -> None:
        name, a = self.name, self.a
        for key in ("a", "embedded", "interpolant"):
            proofs.equal(name, f"rows of {key}", len(getattr(self, key)), self.stages)
        proofs.strictly_lower(name, "a", a, first=1)
        diagonal = np.append(0.0, np.full(self.stages - 1, self.gamma))
        proofs.equal(name, "one number on the diagonal of a", np.diag(a), diagonal)
        proofs.equal(name, "c is the row sums of a", a.sum(axis=1), self.c, np.abs(a).sum(axis=1))
        proofs.equal(name, "the last stage is at the end", self.c[-1], 1.0)
        found = conditions(max(self.order, self.embedded_order, self.interpolant_order), a)
        proofs.weights(name, "solution", self.b, found, self.order)
        proofs.weights(name, "embedded solution", self.embedded, found, self.embedded_order)
        ends = np.abs(self.interpolant).sum(axis=1)
        proofs.equal(name, "the interpolant ends at the solution", self.interpolant.sum(axis=1), self.b, ends)
        proofs.continuous_weights(name, self.interpolant, found, self.interpolant_order)
        stiff = self.stiff_stages()
        if self.stability == "L-stable":
            size = np.abs(stiff).sum()
            proofs.equal(name, "the stability function vanishes at infinity", stiff[-1], 0.0, size)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class AdditiveTableau(Described):
    """An additive pair for u' = f_stiff(t, u) + f_nonstiff(t, u): its halves share weights and times.

        y_i = u + h sum_{j<=i} a_ij f_stiff(t_j, y_j) + h sum_{j<i} explicit_a_ij f_nonstiff(t_j, y_j)

    Attributes:
        implicit: the half for the stiff part, with the explicit half beside it.

    Raises:
        TableauError: a condition of either half, or a coupled one, does not hold.
    """

    family: ClassVar[str] = "additive"
    kind: ClassVar[str] = "additive Runge-Kutta"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False
    real_stability: ClassVar[float] = float("inf")

    implicit: EsdirkTableau

    def __post_init__(self) -> None:
        half, explicit = self.implicit, self.implicit.explicit_a
        proofs.strictly_lower(self.name, "explicit_a", explicit)
        size = np.abs(explicit).sum(axis=1)
        proofs.equal(self.name, "c is the row sums of explicit_a", explicit.sum(axis=1), half.c, size)
        highest = max(half.order, half.embedded_order, half.interpolant_order)
        found = coupled_conditions(highest, (half.a, explicit))
        proofs.weights(self.name, "coupled solution", half.b, found, half.order)
        proofs.weights(self.name, "coupled embedded solution", half.embedded, found, half.embedded_order)
        proofs.continuous_weights(self.name, half.interpolant, found, half.interpolant_order)

    @property
    def order(self) -> int:
        """Of the solution that goes on."""
        return self.implicit.order

    @property
    def embedded_order(self) -> int:
        """Of the solution it is compared with."""
        return self.implicit.embedded_order

    @property
    def interpolant_order(self) -> int:
        """q where the continuous solution from an exact start is off by h^(q+1)."""
        return self.implicit.interpolant_order

    @property
    def stages(self) -> int:
        """Stages of a step; each but the first solves a system of equations of the stiff part."""
        return self.implicit.stages

    @property
    def stability(self) -> str:
        """Of the stiff part."""
        return self.implicit.stability

    @property
    def exact(self) -> Mapping[str, Any]:
        """The coefficients of both halves, without rounding."""
        return self.implicit.exact


@functools.cache
def _pair(half: EsdirkTableau) -> AdditiveTableau:
    """The same object each time: sessions are kept by method."""
    return AdditiveTableau(
        name=f"IMEX{half.name}",
        citation=half.citation,
        when_to_use=half.when_to_use,
        source=half.source,
        implicit=half,
    )
