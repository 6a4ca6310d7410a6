"""The numbers of a method, proved to be of the order they claim when they are put together.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.1, II.4 and
II.6; E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.2 and IV.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs, stability
from symde.engine.methods.exact import exact_row, exact_rows, float_row, float_rows, numbers
from symde.engine.methods.method import Named
from symde.engine.methods.trees import conditions


def keep_and_round(tableau: Any, matrices: Mapping[str, int], vectors: Sequence[str]) -> None:
    """Put float64 arrays in the place of the coefficients given, which `given` keeps with their widths."""
    for key in (*matrices, *vectors):
        values = getattr(tableau, key)
        width = matrices.get(key)
        tableau.given[key] = (values, width)
        if values is not None:
            rounded = float_row(values) if width is None else float_rows(values, width)
            object.__setattr__(tableau, key, rounded)


def exact_numbers(given: Mapping[str, Any]) -> dict[str, Any]:
    """The coefficients given, without rounding."""
    result: dict[str, Any] = {}
    for key, (values, width) in given.items():
        if key == "gamma":
            result[key] = exact_row((values,))[0]
        elif values is None:
            result[key] = None
        else:
            result[key] = exact_row(values) if width is None else exact_rows(values, width)
    return result


def every_stage(tableau: Any) -> np.ndarray:
    """The a_ij of all stages of an explicit method with those of its interpolant, square."""
    stages, every = len(tableau.b), len(tableau.b) + len(tableau.extra_c)
    full = np.zeros((every, every))
    full[:stages, :stages] = tableau.a
    full[stages:] = tableau.extra_a
    return full


def prove_explicit(tableau: Any, embedded: Mapping[str, tuple[np.ndarray, int]]) -> None:
    """The proof of an explicit method, its interpolant and its embedded solutions.

    Args:
        tableau: The method.
        embedded: b minus the weights of each embedded solution, and its order, by what it is called.

    Raises:
        TableauError: the numbers contradict each other, or are not of the order claimed.
    """
    name, stages, extra = tableau.name, len(tableau.b), len(tableau.extra_c)
    for key, rows in (("a", stages), ("c", stages), ("interpolant", stages + extra), ("extra_a", extra)):
        proofs.equal(name, f"rows of {key}", len(getattr(tableau, key)), rows)
    proofs.strictly_lower(name, "a", tableau.a)
    proofs.strictly_lower(name, "extra_a", tableau.extra_a, first=stages)
    every = every_stage(tableau)
    times = np.append(tableau.c, tableau.extra_c)
    proofs.equal(name, "c is the row sums of a", every.sum(axis=1), times, np.abs(every).sum(axis=1))
    orders = [tableau.order, tableau.interpolant_order, *(order for _, order in embedded.values())]
    found = conditions(max(orders), every)
    b = np.append(tableau.b, np.zeros(extra))
    proofs.weights(name, "solution", b, found, tableau.order)
    for what, (error, order) in embedded.items():
        proofs.equal(name, f"weights of the {what}", len(error), stages)
        proofs.weights(name, what, b - np.append(error, np.zeros(extra)), found, order)
    ends = np.abs(tableau.interpolant).sum(axis=1)
    proofs.equal(name, "the interpolant ends at the solution", tableau.interpolant.sum(axis=1), b, ends)
    proofs.continuous_weights(name, tableau.interpolant, found, tableau.interpolant_order)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExplicitTableau(Named):
    """An explicit Runge-Kutta method.

        k_i = f(t + c_i h, u + h sum_j a_ij k_j),   u_new = u + h sum_i b_i k_i,   error = h sum_i error_i k_i
        u(theta) = u + h sum_j sum_m interpolant[j, m] theta^(m+1) k_j

    Coefficients are given as fractions or decimals in text (`symde.engine.methods.exact`) and read back as
    float64 arrays; `exact` keeps all their digits. Rows may be given without their last zeros. The continuous
    solution may use extra stages, which come after the others; each has a row of `extra_a` and a time in
    `extra_c`.

    Attributes:
        name: what to ask for.
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with; None for fixed steps.
        a, b, c: stages x stages, stages, stages.
        error: b minus the weights of the embedded solution, stages; None for fixed steps.
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
    """

    family: ClassVar[str] = "explicit"
    kind: ClassVar[str] = "explicit Runge-Kutta"
    variable_order: ClassVar[bool] = False

    name: str
    order: int
    embedded_order: int | None
    a: Any
    b: Any
    c: Any
    error: Any
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
        keep_and_round(self, widths, ("b", "c", "error", "extra_c"))
        self._prove()
        object.__setattr__(self, "real_stability", stability.real_stability(self.b, self.a))

    @property
    def exact(self) -> Mapping[str, Any]:
        """All coefficients as fractions, by name: tuples of numbers, or of rows."""
        return exact_numbers(self.given)

    @property
    def stages(self) -> int:
        """Stages of a step, without those of the interpolant."""
        return len(self.b)

    @property
    def adaptive(self) -> bool:
        """Whether an error estimate can choose the steps."""
        return self.error is not None

    @property
    def fsal(self) -> bool:
        """Whether the last stage is the first of the next step."""
        return self.stages > 1 and self.c[-1] == 1 and bool(np.array_equal(self.a[-1], self.b))

    @property
    def stability(self) -> str:
        """Up to where on the negative real axis decay is kept."""
        return f"to -{self.real_stability:.2g}"

    @property
    def imaginary_stability(self) -> float:
        """Length of the stability interval on the imaginary axis, from zero to one of its ends."""
        return stability.imaginary_stability(self.b, self.a)

    def _prove(self) -> None:
        if self.adaptive != (self.embedded_order is not None):
            raise proofs.TableauError(f"{self.name}: an error estimate and its order come together")
        embedded = (
            {} if self.embedded_order is None else {"embedded solution": (self.error, self.embedded_order)}
        )
        prove_explicit(self, embedded)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RosenbrockTableau(Named):
    """A Rosenbrock method in the form without products of J and stages, for M u' = f(t, u).

        (M/(h gamma) - J) U_i = f(t + alpha_i h, u + sum_j a_ij U_j) + sum_j (c_ij / h) M U_j + h d_i f_t
        u_new = u + sum_j m_j U_j,   error = sum_j error_j U_j
        u(theta) = u + sum_j sum_m interpolant[j, m] theta^(m+1) U_j

    Coefficients are given as fractions or decimals in text (`symde.engine.methods.exact`) and read back as
    float64 arrays; `exact` keeps all their digits. Rows may be given without their last zeros.

    Attributes:
        name: what to ask for.
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with.
        gamma: the one diagonal coefficient.
        a, c_matrix: stages x stages, strictly lower.
        alpha, d, m: stages.
        error: m minus the weights of the embedded solution, stages.
        interpolant: stages x degree.
        interpolant_order: q where the continuous solution from an exact start is off by h^(q+1).
        citation: what to cite.
        when_to_use: one sentence.
        source: where the numbers are found.
        given: the coefficients as published, with their widths; `exact` reads them.

    Raises:
        TableauError: the numbers contradict each other, are not of the order claimed, or do not damp what is
            infinitely stiff: all methods here are L-stable.

    Source: Hairer & Wanner II, IV.7, equations (7.23) to (7.25) and Theorem 7.4.
    """

    family: ClassVar[str] = "rosenbrock"
    kind: ClassVar[str] = "Rosenbrock"
    stability: ClassVar[str] = "L-stable"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False
    real_stability: ClassVar[float] = float("inf")

    name: str
    order: int
    embedded_order: int
    gamma: Any
    a: Any
    c_matrix: Any
    alpha: Any
    d: Any
    m: Any
    error: Any
    interpolant: Any
    interpolant_order: int
    citation: str
    when_to_use: str
    source: str
    given: dict[str, Any] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        stages, degree = len(numbers(self.m)), max(len(numbers(row)) for row in self.interpolant)
        widths = {"a": stages, "c_matrix": stages, "interpolant": degree}
        gamma = self.gamma
        keep_and_round(self, widths, ("alpha", "d", "m", "error"))
        self.given["gamma"] = (gamma, None)
        object.__setattr__(self, "gamma", float(float_row((gamma,))[0]))
        self._prove()

    @property
    def exact(self) -> Mapping[str, Any]:
        """All coefficients as fractions, by name: a number, tuples of numbers, or of rows."""
        return exact_numbers(self.given)

    @property
    def stages(self) -> int:
        """Stages of a step; each solves one linear system."""
        return len(self.m)

    def gamma_matrix(self) -> np.ndarray:
        """The gamma_ij of the form with products, U_i = h sum_j gamma_ij k_j; lower, stages x stages."""
        return np.linalg.inv(np.eye(self.stages) / self.gamma - self.c_matrix)

    def stability_function(self, z: complex) -> complex:
        """R(z) = 1 + z b (I - z beta)^-1 1 with beta_ij = alpha_ij + gamma_ij: Hairer & Wanner II, (7.14)."""
        gammas = self.gamma_matrix()
        one = np.eye(self.stages)
        beta = (self.a + one) @ gammas
        return 1 + z * (self.m @ gammas) @ np.linalg.solve(one - z * beta, np.ones(self.stages))

    def _prove(self) -> None:
        name = self.name
        for key in ("a", "c_matrix", "interpolant", "alpha", "d", "error"):
            proofs.equal(name, f"rows of {key}", len(getattr(self, key)), self.stages)
        proofs.strictly_lower(name, "a", self.a)
        proofs.strictly_lower(name, "c_matrix", self.c_matrix)
        gammas = self.gamma_matrix()
        alphas = self.a @ gammas
        sizes = (np.abs(self.a) + np.eye(self.stages)) @ np.abs(gammas)
        proofs.equal(name, "alpha is the row sums", alphas.sum(axis=1), self.alpha, sizes.sum(axis=1))
        proofs.equal(name, "d is the row sums of gamma", gammas.sum(axis=1), self.d, sizes.sum(axis=1))
        highest = max(self.order, self.embedded_order, self.interpolant_order)
        found = conditions(highest, alphas, alphas + gammas)
        proofs.weights(name, "solution", self.m @ gammas, found, self.order)
        proofs.weights(name, "embedded solution", (self.m - self.error) @ gammas, found, self.embedded_order)
        ends = np.abs(self.interpolant).sum(axis=1)
        proofs.equal(name, "the interpolant ends at the solution", self.interpolant.sum(axis=1), self.m, ends)
        proofs.continuous_weights(name, gammas.T @ self.interpolant, found, self.interpolant_order)
        damping = 1 - (self.m @ gammas) @ np.linalg.solve(alphas + gammas, np.ones(self.stages))
        proofs.equal(name, "the stability function vanishes at infinity", damping, 0.0, np.abs(self.m).sum())
