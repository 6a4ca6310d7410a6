"""The numbers of a stabilised explicit method (ROCK), proved to be of the order they claim.

For a degree s the step is a three-term recurrence P of s - m stages and an m-stage Runge-Kutta method
behind it:

    K_0 = u,   K_j = mu_j h f(K_(j-1)) + (1 + kappa_j) K_(j-1) - kappa_j K_(j-2),   j = 1 .. s - m
    Y_i = K + h sum_j a_ij f(Y_j),   u_new = K + h sum_i b_i f(Y_i),   K = K_(s-m)
    error = h sum_i error_i f(Y_i) + h error_(m+1) f(u_new)

Its stability polynomial is within the unit disc on [-length, 0], a length that grows like s^2: a step costs s
evaluations where an explicit method of few stages would take s^2 of them.

Source: A. Abdulle, A. Medovikov, Second order Chebyshev methods based on orthogonal polynomials,
Numerische Mathematik 90 (2001) 1-18, doi:10.1007/s002110100292; A. Abdulle, Fourth order Chebyshev
methods with recurrence relation, SIAM Journal on Scientific Computing 23 (2002) 2041-2054,
doi:10.1137/S1064827500379549.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.method import Described
from symde.engine.methods.trees import conditions

ROUNDING = 1e-11
"""Of conditions whose terms are sums over up to 220 stages."""


def weight_polynomial(roots: np.ndarray, degree: int) -> np.poly1d:
    """w as a polynomial of x - 1, near whose zero its roots -p/s^2 +- i q/s^2 lie (in powers of x all digits
    would cancel there); `roots` holds p and q of each pair."""
    w = np.poly1d([1.0])
    for p, q in np.reshape(roots, (-1, 2)) / degree**2:
        w = w * np.poly1d([1.0, 2 * p, p**2 + q**2])
    return w


@dataclass(frozen=True, slots=True, eq=False)
class Recurrence:
    """P_j(x) = (x - a_j) P_(j-1) - b_j P_(j-2), orthogonal with the weight w^2/sqrt(1 - x^2) on [-1, 1].

    Attributes:
        a, b: Coefficients of the monic polynomials.
        length: Of the stability interval of the whole method; x = 1 + 2 z/length.
    """

    a: np.ndarray
    b: np.ndarray
    length: float

    @staticmethod
    def of(roots: np.ndarray, degree: int) -> Recurrence:
        """By Stieltjes' procedure on Chebyshev's points, where the inner products are sums without error."""
        steps, count = degree - len(roots), 2 * degree + 8
        angles = (2 * np.arange(count) + 1) * np.pi / (2 * count)
        x, w = np.cos(angles), weight_polynomial(roots, degree)
        weights = w(-2 * np.sin(0.5 * angles) ** 2) ** 2 / count
        a, b = np.zeros(steps), np.zeros(steps)
        before, here, beta = np.zeros(count), np.full(count, weights.sum() ** -0.5), 0.0
        for j in range(steps):
            a[j], b[j] = np.sum(weights * x * here**2), beta
            following = (x - a[j]) * here - np.sqrt(beta) * before
            beta = np.sum(weights * following**2)
            before, here = here, following / np.sqrt(beta)
        return Recurrence(a, b, 2 * (_slope(a, b) + w.deriv()(0.0) / w(0.0)))

    def ratios(self) -> np.ndarray:
        """P_(j-1)(1)/P_j(1)."""
        found = np.zeros(len(self.a))
        before = 0.0
        for j, (a, b) in enumerate(zip(self.a, self.b, strict=True)):
            before = found[j] = 1.0 / (1.0 - a - b * before)
        return found

    def coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """mu and kappa of the stages."""
        r = self.ratios()
        return 2 * r / self.length, self.b * r * np.append(0.0, r[:-1])


def _slope(a: np.ndarray, b: np.ndarray) -> float:
    """P'(1)/P(1)."""
    ratio, slope_before, slope = 0.0, 0.0, 0.0
    for alpha, beta in zip(a, b, strict=True):
        r = 1.0 / (1.0 - alpha - beta * ratio)
        following = r * (1.0 + (1.0 - alpha) * slope - beta * ratio * slope_before)
        slope_before, slope, ratio = slope, following, r
    return slope


def composed(recurrence: Recurrence, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The whole step as one Runge-Kutta method: its matrix, its weights and its number of stages."""
    mu, kappa = recurrence.coefficients()
    steps, finish = len(mu), len(b)
    size = steps + finish
    A = np.zeros((size, size))
    older, old = np.zeros(size), np.zeros(size)
    for j in range(steps):
        A[j] = old
        new = (1 + kappa[j]) * old - kappa[j] * older
        new[j] += mu[j]
        older, old = old, new
    for i in range(finish):
        A[steps + i] = old
        A[steps + i, steps : steps + i] += a[i, :i]
    weights = old.copy()
    weights[steps:] += b
    return A, weights, size


@dataclass(frozen=True, slots=True, eq=False)
class Degree:
    """The numbers of one degree.

    Attributes:
        degree: Evaluations of the right-hand side in a step.
        length: Of the stability interval.
        mu, kappa, c: Of the recurrence; c[j] is the time of K_j, in steps, (s - m + 1,).
        a, b, error: Of the finish, m x m, (m,), (m + 1,).
    """

    degree: int
    length: float
    mu: np.ndarray
    kappa: np.ndarray
    c: np.ndarray
    a: np.ndarray
    b: np.ndarray
    error: np.ndarray


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class StabilisedMethod(Described):
    """A stabilised method: one row of numbers a degree.

    A row of the table reads `degree; roots; a; b; error` with the roots of w (`weight_polynomial`), the lower
    triangle of a row by row, and the weights. The recurrence follows from the roots.

    Attributes:
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with.
        table: the rows, as text.
        degrees: the numbers of each degree, by rising degree.

    Raises:
        TableauError: a row is not of the order claimed, or its polynomial leaves the unit disc.
    """

    family: ClassVar[str] = "stabilised"
    kind: ClassVar[str] = "stabilised explicit"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = True
    real_stability: ClassVar[float] = float("inf")

    order: int
    embedded_order: int
    table: str
    degrees: tuple[Degree, ...] = field(init=False, default=(), repr=False)

    def __post_init__(self) -> None:
        found = tuple(self._row(row) for row in self.table.split("\n") if row.strip())
        object.__setattr__(self, "degrees", found)

    @property
    def exact(self) -> Mapping[str, Any]:
        """Nothing: the table itself holds float64 numbers, which follow from the definition."""
        return {}

    @property
    def stages(self) -> int:
        """Of the lowest degree; a step takes as many as its size asks for."""
        return self.degrees[0].degree

    @property
    def interpolant_order(self) -> int:
        """Of the cubic through both ends and their slopes."""
        return min(self.order, 3)

    @property
    def stability(self) -> str:
        """Up to where on the negative real axis decay is kept, by degree."""
        last = self.degrees[-1]
        return f"to -{last.length / last.degree**2:.2f} s^2, s up to {last.degree}"

    def _row(self, row: str) -> Degree:
        first, *rest = row.split(";")
        roots, triangle, b, error = (np.array(part.split(), dtype=float) for part in rest)
        degree = int(first)
        recurrence = Recurrence.of(roots, degree)
        a = np.zeros((len(b), len(b)))
        a[np.tril_indices(len(b), -1)] = triangle
        A, weights, size = composed(recurrence, a, b)
        proofs.equal(self.name, f"stages of degree {degree}", size, degree)
        self._prove(degree, A, weights, error)
        mu, kappa = recurrence.coefficients()
        c = np.append(A.sum(axis=1)[: len(mu)], A[len(mu)].sum())
        return Degree(degree, recurrence.length, mu, kappa, c, a, b, error)

    def _prove(self, degree: int, A: np.ndarray, weights: np.ndarray, error: np.ndarray) -> None:
        name = f"{self.name} of degree {degree}"
        full = np.zeros((degree + 1, degree + 1))
        full[:degree, :degree], full[degree, :degree] = A, weights
        found, b = conditions(self.order, full), np.append(weights, 0.0)
        embedded = b.copy()
        embedded[-len(error) :] -= error
        for what, these, order in (
            ("solution", b, self.order), ("embedded solution", embedded, self.embedded_order)
        ):  # fmt: skip
            wanted = found.orders <= order
            missing = found.vectors[wanted] @ these - found.targets[wanted]
            if not np.abs(missing).max() <= ROUNDING:
                raise proofs.TableauError(
                    f"{name}: {what} of order {order} misses by {np.abs(missing).max()}"
                )
