"""The numbers of a method, proved consistent when made.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.1, II.4 and
II.6; E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.2 and IV.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

TOLERANCE = 2e-11
"""Published coefficients have about 16 digits and reach 1e3 in size; what is wrong misses by far more."""


class TableauError(ValueError):
    """Coefficients contradict each other."""


def _frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values


def _vector(values: Sequence[float]) -> np.ndarray:
    return _frozen(np.array(values, dtype=float).reshape(len(values)))


def _matrix(rows: Sequence[Sequence[float]], width: int) -> np.ndarray:
    """Rows of any lengths up to width, filled up with zeros."""
    full = np.zeros((len(rows), width))
    for row, values in zip(full, rows, strict=True):
        row[: len(values)] = values
    return _frozen(full)


def _prove(name: str, what: str, found: Any, expected: Any) -> None:
    """Raise a TableauError where found and expected differ by more than rounding."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if found.shape != expected.shape:
        raise TableauError(f"{name}: {what}: shape {found.shape}, expected {expected.shape}")
    if not np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
        worst = np.abs(found - expected).max()
        raise TableauError(f"{name}: {what}: found {found}, expected {expected}, off by {worst:.1e}")


def _prove_lower(name: str, what: str, matrix: np.ndarray, first: int = 0) -> None:
    """Row i may be nonzero only left of column first + i."""
    for i, row in enumerate(matrix):
        unknown = row[first + i :]
        _prove(name, f"{what}: row {i} reads stages not known yet", unknown, np.zeros_like(unknown))


def negative_stability(b: np.ndarray, a: np.ndarray) -> float:
    """The largest x such that |R(z)| <= 1 for all z in [-x, 0].

    R(z) = 1 + sum_k z^(k+1) b a^k 1 is a polynomial; |R| can leave 1 only at real roots of R - 1 and R + 1.

    Source: Hairer & Wanner II, IV.2.
    """
    coefficients, powers = [1.0], np.ones(len(b))
    for _ in b:
        coefficients.append(float(b @ powers))
        powers = a @ powers
    R = np.polynomial.Polynomial(coefficients)
    roots = np.concatenate([(R - 1).trim(1e-14).roots(), (R + 1).trim(1e-14).roots()])
    real = roots[np.abs(roots.imag) < 1e-9].real
    # the root at zero itself belongs to R(0) = 1
    crossings = np.sort(-real[real < -1e-9])
    beyond = np.append(crossings[1:], 2 * crossings[-1:])
    for crossing, following in zip(crossings, beyond, strict=True):
        if abs(R(-0.5 * (crossing + following))) > 1:
            return float(crossing)
    return 0.0


def dense_from_differences(m: Sequence[float], h: Sequence[Sequence[float]]) -> list[list[float]]:
    """Coefficients B[j][k] of theta^(k+1) U_j of a Rosenbrock method's dense output, stages x (len(h) + 1).

        u(theta) = (1 - theta) u0 + theta (u1 + (1 - theta) (D_1 + theta (D_2 + ...)))
        D_k = sum_j h[k][j] U_j

    Source: Hairer & Wanner II, VI.4, dense output of RODAS; G. Steinebach (2023), BIT 63:27.
    """
    rows = []
    for j, weight in enumerate(m):
        differences = [row[j] if j < len(row) else 0.0 for row in h]
        rising = [weight, *(-value for value in differences)]
        rows.append([low + high for low, high in zip(rising, [*differences, 0.0], strict=True)])
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class ExplicitTableau:
    """An explicit Runge-Kutta method.

        k_i = f(t + c_i h, u + h sum_j a_ij k_j),   u_new = u + h sum_i b_i k_i,   error = h sum_i error_i k_i
        u(theta) = u + h sum_j sum_m interpolant[j, m] theta^(m+1) k_j

    Rows of `a` may be given without their zeros. The continuous solution may use extra stages, which come
    after the others; each has a row of `extra_a` and a time in `extra_c`.

    Attributes:
        name: what to ask for.
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with; None for fixed steps.
        a, b, c: stages x stages, stages, stages.
        error: b minus the weights of the embedded solution, stages; None for fixed steps.
        interpolant: (stages + extra) x degree.
        interpolant_order: order of the continuous solution.
        citation: what to cite.
        when_to_use: one sentence.
        source: where the numbers are found.
        extra_a, extra_c: extra x (stages + extra), extra.
        real_stability: length of the stability interval on the negative real axis.

    Raises:
        TableauError: the numbers contradict each other.
    """

    family: ClassVar[str] = "explicit"

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

    def __post_init__(self) -> None:
        stages, every = len(self.b), len(self.b) + len(self.extra_c)
        degree = max(len(row) for row in self.interpolant)
        arrays: dict[str, Any] = {
            "a": _matrix(self.a, stages),
            "b": _vector(self.b),
            "c": _vector(self.c),
            "error": None if self.error is None else _vector(self.error),
            "interpolant": _matrix(self.interpolant, degree),
            "extra_a": _matrix(self.extra_a, every),
            "extra_c": _vector(self.extra_c),
        }
        arrays["real_stability"] = negative_stability(arrays["b"], arrays["a"])
        for key, value in arrays.items():
            object.__setattr__(self, key, value)
        self._prove_stages(every)
        self._prove_weights()

    @property
    def adaptive(self) -> bool:
        """Whether an error estimate can choose the steps."""
        return self.error is not None

    @property
    def fsal(self) -> bool:
        """Whether the last stage is the first of the next step."""
        return len(self.b) > 1 and self.c[-1] == 1 and bool(np.array_equal(self.a[-1], self.b))

    def _prove_stages(self, every: int) -> None:
        stages = len(self.b)
        _prove(self.name, "rows of a", len(self.a), stages)
        _prove(self.name, "rows of the interpolant", len(self.interpolant), every)
        _prove(self.name, "rows of extra_a", len(self.extra_a), len(self.extra_c))
        _prove_lower(self.name, "a", self.a)
        _prove_lower(self.name, "extra_a", self.extra_a, first=stages)
        _prove(self.name, "c is the row sums of a", self.a.sum(axis=1), self.c)
        _prove(self.name, "extra_c is the row sums of extra_a", self.extra_a.sum(axis=1), self.extra_c)

    def _prove_weights(self) -> None:
        if (self.error is None) != (self.embedded_order is None):
            raise TableauError(f"{self.name}: an error estimate and its order come together")
        for k in range(self.order):
            _prove(self.name, f"quadrature of t^{k}", self.b @ self.c**k, 1 / (k + 1))
        for k in range(self.embedded_order or 0):
            _prove(self.name, f"embedded quadrature of t^{k}", (self.b - self.error) @ self.c**k, 1 / (k + 1))
        closing = np.append(self.b, np.zeros(len(self.extra_c)))
        _prove(self.name, "the interpolant ends at the solution", self.interpolant.sum(axis=1), closing)
        times = np.append(self.c, self.extra_c)
        for k in range(min(self.interpolant_order, self.interpolant.shape[1])):
            expected = np.zeros(self.interpolant.shape[1])
            expected[k] = 1 / (k + 1)
            _prove(self.name, f"continuous quadrature of t^{k}", times**k @ self.interpolant, expected)


@dataclass(frozen=True, slots=True, eq=False)
class RosenbrockTableau:
    """A Rosenbrock method in the form without products of J and stages.

        (I/(h gamma) - J) U_i = f(t + alpha_i h, u + sum_j a_ij U_j) + sum_j (c_ij / h) U_j + h d_i f_t
        u_new = u + sum_j m_j U_j,   error = sum_j error_j U_j
        u(theta) = u + sum_j sum_m interpolant[j, m] theta^(m+1) U_j

    Rows of `a` and `c_matrix` may be given without their zeros.

    Attributes:
        name: what to ask for.
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with.
        gamma: the one diagonal coefficient.
        a, c_matrix: stages x stages, strictly lower.
        alpha, d, m: stages.
        error: m minus the weights of the embedded solution, stages.
        interpolant: stages x degree.
        interpolant_order: order of the continuous solution.
        citation: what to cite.
        when_to_use: one sentence.
        source: where the numbers are found.

    Raises:
        TableauError: the numbers contradict each other.

    Source: Hairer & Wanner II, IV.7, equation (7.25).
    """

    family: ClassVar[str] = "rosenbrock"
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False
    real_stability: ClassVar[float] = 0.0

    name: str
    order: int
    embedded_order: int
    gamma: float
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

    def __post_init__(self) -> None:
        stages = len(self.m)
        degree = max(len(row) for row in self.interpolant)
        for key in ("alpha", "d", "m", "error"):
            object.__setattr__(self, key, _vector(getattr(self, key)))
        for key, width in (("a", stages), ("c_matrix", stages), ("interpolant", degree)):
            object.__setattr__(self, key, _matrix(getattr(self, key), width))
        self._prove_stages()
        self._prove_weights()

    def gamma_matrix(self) -> np.ndarray:
        """gamma_ij of the form with products, where U_i = h sum_j gamma_ij k_j; stages x stages."""
        return np.linalg.inv(np.eye(len(self.m)) / self.gamma - self.c_matrix)

    def _prove_stages(self) -> None:
        stages = len(self.m)
        for key in ("a", "c_matrix", "interpolant", "alpha", "d", "error"):
            _prove(self.name, f"rows of {key}", len(getattr(self, key)), stages)
        _prove_lower(self.name, "a", self.a)
        _prove_lower(self.name, "c_matrix", self.c_matrix)
        gammas = self.gamma_matrix()
        _prove(self.name, "alpha is the row sums of a gamma", (self.a @ gammas).sum(axis=1), self.alpha)
        _prove(self.name, "d is the row sums of gamma", gammas.sum(axis=1), self.d)

    def _prove_weights(self) -> None:
        gammas = self.gamma_matrix()
        weights = {"": (self.m, self.order), "embedded ": ((self.m - self.error), self.embedded_order)}
        for which, (m, order) in weights.items():
            b = m @ gammas
            for k in range(order):
                # the tree with one leaf takes alpha + gamma, wider ones alpha alone
                points = self.alpha + self.d if k == 1 else self.alpha**k
                _prove(self.name, f"{which}quadrature of t^{k}", b @ points, 1 / (k + 1))
        _prove(self.name, "the interpolant ends at the solution", self.interpolant.sum(axis=1), self.m)
        continuous = self.interpolant.T @ gammas
        slopes = np.eye(self.interpolant.shape[1])
        _prove(self.name, "the interpolant of a constant slope", continuous.sum(axis=1), slopes[0])
        if self.interpolant_order > 1:
            linear = continuous @ (self.alpha + self.d)
            _prove(self.name, "the interpolant of a linear slope", linear, slopes[1] / 2)
