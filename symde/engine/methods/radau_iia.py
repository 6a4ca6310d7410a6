"""Radau IIA collocation, derived from its nodes and eigenvalues and proved when put together.

A step of size h has the stages u + Z_i = q(c_i), where q is the polynomial of degree s with q(0) = u and

    q'(c_i) = h f(t + c_i h, q(c_i)),   i = 1..s,   u_new = q(1),   that is   Z = h A F(u + Z).

Everything follows from the nodes:

* Interpolant. q(theta) = u + sum_m theta^m p_m, and the values Z = V p with V_im = c_i^m give p = P Z with
  P = V^-1.
* A. The slopes of q are h F = D p with D_im = m c_i^(m-1), so A^-1 = D P and A = V D^-1.
* Eigenvectors. A^-1 v = lambda v says of the polynomial q with q(0) = 0 and q(c_i) = v_i that q' - lambda q
  vanishes at all nodes: q' - lambda q is a multiple of M(x) = prod_i (x - c_i), and
  q = const * sum_k M^(k)(x) / lambda^k. Hence v_i = sum_k M^(k)(c_i) / lambda^k, and q(0) = 0 is the equation
  of the eigenvalues, sum_k M^(k)(0) / lambda^k = 0: one is real, gamma, the others are pairs alpha -+ i beta.
* T has the eigenvector of gamma as its first column and real and imaginary part of that of each
  alpha - i beta as the next two, each divided by its last component, so that the last row of T is
  1, 1 0, 1 0, ... With it T^-1 A^-1 T is block diagonal: gamma, and [[alpha, -beta], [beta, alpha]].
* Error. (gamma/h I - J)^-1 (f(t, u) - q'(0)/h) is the difference to an embedded formula of order s whose
  further node 0 has the weight 1/gamma, damped where the equations are stiff.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.3 (collocation), IV.5 and
IV.8, (8.4), (8.5), (8.17) to (8.20).
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import Row, numbers
from symde.engine.methods.method import Described

Matrix = Sequence[Sequence[Decimal]]

DIGITS = 50
"""Of the arithmetic; the nodes are given with 40."""


def inverse(matrix: Matrix) -> list[list[Decimal]]:
    """The inverse of a matrix by Gauss-Jordan elimination with partial pivoting."""
    n = len(matrix)
    rows = [[*row, *(Decimal(int(i == j)) for j in range(n))] for i, row in enumerate(matrix)]
    for k in range(n):
        largest = max(range(k, n), key=lambda i: abs(rows[i][k]))
        rows[k], rows[largest] = rows[largest], rows[k]
        pivot = rows[k][k]
        rows[k] = [entry / pivot for entry in rows[k]]
        for i in range(n):
            factor = rows[i][k]
            if i != k and factor:
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]


def product(left: Matrix, right: Matrix) -> list[list[Decimal]]:
    """The product of two matrices."""
    columns = list(zip(*right, strict=True))
    return [[_dot(row, column) for column in columns] for row in left]


def _dot(left: Sequence[Decimal], right: Sequence[Decimal]) -> Decimal:
    return sum((a * b for a, b in zip(left, right, strict=True)), Decimal(0))


def _derivatives_of_product(nodes: Sequence[Decimal], x: Decimal) -> list[Decimal]:
    """M^(k)(x), k = 0..s, of M = prod_i (x - c_i): Taylor coefficients about x times k!."""
    taylor = [Decimal(1)]
    for node in nodes:
        shifted = [Decimal(0), *taylor]
        taylor = [a + (x - node) * b for a, b in zip(shifted, [*taylor, Decimal(0)], strict=True)]
    factorial = Decimal(1)
    for k in range(1, len(taylor)):
        factorial *= k
        taylor[k] *= factorial
    return taylor


def _eigenvector(
    nodes: Sequence[Decimal], real: Decimal, imaginary: Decimal
) -> tuple[list[Decimal], list[Decimal]]:
    """Real and imaginary part of the eigenvector of A^-1 for real + i imaginary, with last component 1."""
    size = real * real + imaginary * imaginary
    step = real / size, -imaginary / size
    values = []
    for node in nodes:
        x, y = Decimal(0), Decimal(0)
        power = Decimal(1), Decimal(0)
        for derivative in _derivatives_of_product(nodes, node):
            x, y = x + derivative * power[0], y + derivative * power[1]
            power = (power[0] * step[0] - power[1] * step[1], power[0] * step[1] + power[1] * step[0])
        values.append((x, y))
    last_x, last_y = values[-1]
    size = last_x * last_x + last_y * last_y
    reals = [(x * last_x + y * last_y) / size for x, y in values]
    imaginaries = [(y * last_x - x * last_y) / size for x, y in values]
    return reals, imaginaries


def _fractions(values: Any) -> Any:
    return Fraction(values) if isinstance(values, Decimal) else tuple(map(_fractions, values))


@dataclass(frozen=True, slots=True, eq=False)
class Collocation:
    """The numbers of one Radau IIA formula.

    Attributes:
        nodes: c, as text with 40 digits.
        gamma: the real eigenvalue of A^-1.
        alpha, beta: real and imaginary parts of its complex pairs, beta > 0.
        digits: c, a, t, t_inverse, interpolant (P), gamma, alpha and beta by name, to 40 digits or more.

    Raises:
        TableauError: nodes and eigenvalues are not those of a Radau IIA formula.
    """

    nodes: Row
    gamma: str
    alpha: Row
    beta: Row
    digits: dict[str, Any] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        with decimal.localcontext(prec=DIGITS):
            self._derive()
            self._prove()

    def _derive(self) -> None:
        c, alpha, beta = (
            [Decimal(str(value)) for value in numbers(row)] for row in (self.nodes, self.alpha, self.beta)
        )
        gamma = Decimal(self.gamma)
        powers = range(1, len(c) + 1)
        values = [[node**m for m in powers] for node in c]
        slopes = [[m * node ** (m - 1) for m in powers] for node in c]
        columns = [_eigenvector(c, gamma, Decimal(0))[0]]
        for x, y in zip(alpha, beta, strict=True):
            columns.extend(_eigenvector(c, x, -y))
        t = list(zip(*columns, strict=True))
        a = product(values, inverse(slopes))
        self.digits.update(c=c, a=a, t=t, t_inverse=inverse(t), interpolant=inverse(values))
        self.digits.update(gamma=gamma, alpha=alpha, beta=beta)

    @property
    def stages(self) -> int:
        """Number of stages s; the order is 2 s - 1."""
        return len(self.digits["c"])

    @property
    def exact(self) -> Mapping[str, Any]:
        """All numbers as fractions, by name."""
        return {key: _fractions(values) for key, values in self.digits.items()}

    def array(self, key: str) -> np.ndarray:
        """Numbers as float64, read-only."""
        array = np.array(self.digits[key], dtype=float)
        array.setflags(write=False)
        return array

    def stability_function(self, z: complex) -> complex:
        """R(z) = 1 + z b (I - z A)^-1 1: Hairer & Wanner II, (3.2)."""
        a, one = self.array("a"), np.ones(self.stages)
        return 1 + z * a[-1] @ np.linalg.solve(np.eye(self.stages) - z * a, one)

    def _prove(self) -> None:
        """B(2s-1), C(s), D(s-1), so order 2s-1 (Hairer & Wanner II, theorem IV.5.1), and the
        transformation."""
        name, s, c, a = (
            f"Radau IIA with {self.stages} stages",
            self.stages,
            self.digits["c"],
            self.digits["a"],
        )
        b = a[-1]
        for k in range(1, 2 * s):
            _vanishes(name, f"B({k})", [_dot(b, [x ** (k - 1) for x in c]) - 1 / Decimal(k)])
        for k in range(1, s + 1):
            found = [_dot(row, [x ** (k - 1) for x in c]) for row in a]
            _vanishes(name, f"C({k})", [value - x**k / k for value, x in zip(found, c, strict=True)])
        for k in range(1, s):
            weights = [[w * x ** (k - 1) for w, x in zip(b, c, strict=True)]]
            found = product(weights, a)[0]
            expected = [w * (1 - x**k) / k for w, x in zip(b, c, strict=True)]
            _vanishes(name, f"D({k})", [x - y for x, y in zip(found, expected, strict=True)])
        blocks = product(product(self.digits["t_inverse"], inverse(a)), self.digits["t"])
        for i, row in enumerate(blocks):
            found = [entry - self._block_entry(i, j) for j, entry in enumerate(row)]
            _vanishes(name, f"row {i} of T^-1 A^-1 T less its blocks", found)

    def _block_entry(self, i: int, j: int) -> Decimal:
        if i == j == 0:
            return self.digits["gamma"]
        if i == 0 or j == 0 or (i - 1) // 2 != (j - 1) // 2:
            return Decimal(0)
        pair = (i - 1) // 2
        return self.digits["alpha"][pair] if i == j else self.digits["beta"][pair] * (1 if i > j else -1)


def _vanishes(name: str, what: str, defects: Sequence[Decimal]) -> None:
    """Raise a TableauError for a defect above 1e-30: of 40 digits, products of T^-1 and T lose six."""
    worst = max(map(abs, defects))
    if not worst < Decimal("1e-30"):
        raise proofs.TableauError(f"{name}: {what}: off by {worst:.2e}")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class RadauIIA(Described):
    """A Radau IIA method: one formula, or several among which it chooses step by step.

    Attributes:
        tables: the formulas, of rising order.
    """

    family: ClassVar[str] = "radau"
    kind: ClassVar[str] = "fully implicit Runge-Kutta"
    stability: ClassVar[str] = "L-stable"
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False
    real_stability: ClassVar[float] = float("inf")

    tables: tuple[Collocation, ...]

    @property
    def stages(self) -> int:
        """Most stages of a step."""
        return self.tables[-1].stages

    @property
    def order(self) -> int:
        """Of the solution that goes on, at most."""
        return 2 * self.stages - 1

    @property
    def starting_order(self) -> int:
        """Of the first step."""
        return 2 * self.tables[0].stages - 1

    @property
    def embedded_order(self) -> int:
        """Of the solution it is compared with, at most."""
        return self.stages

    @property
    def interpolant_order(self) -> int:
        """Of the collocation polynomial between the ends of a step, at most."""
        return self.stages

    @property
    def variable_order(self) -> bool:
        """Whether there is more than one formula."""
        return len(self.tables) > 1

    @property
    def exact(self) -> Mapping[str, Any]:
        """The coefficients of each formula, by its number of stages."""
        return {str(table.stages): table.exact for table in self.tables}


STAGES_3 = Collocation(
    nodes="0.1550510257216821901802715925294108608034 0.6449489742783178098197284074705891391966 1",
    gamma="3.637834252744495732208418513577775797946",
    alpha="2.681082873627752133895790743211112101027",
    beta="3.050430199247410569426377624787567904441",
)
"""Order 5. The nodes are the zeros of the derivative of order s - 1 of x^(s-1) (x - 1)^s, the eigenvalues
solve the equation above; both computed with 80 digits."""


def more_stages() -> tuple[Collocation, Collocation]:
    """The formulas of order 9 and 13; made when first needed, in the same way."""
    return (
        Collocation(
            nodes=(
                "0.05710419611451768219312119255411562123508 0.2768430136381238276800459976856251411109 "
                "0.5835904323689168200566976686629172486934 0.8602401356562194478479129188751197667384 1"
            ),
            gamma="6.286704751729276645173153341869409049591",
            alpha="5.700953298671789419170215368969861620848 3.655694325463572258243207960095433854357",
            beta="3.210265600308549888425010652972117212322 6.543736899360077294021071509393686318364",
        ),
        Collocation(
            nodes=(
                "0.02931642715978489197205027691316491037373 0.1480785996684842918499768524959792122302 "
                "0.3369846902811542990970529720807757051976 0.5586715187715501320813933418055219400744 "
                "0.7692338620300545009168833601156454518371 0.9269456713197411148518739658196820110562 1"
            ),
            gamma="8.93683278840521633730209691330107970355",
            alpha=(
                "8.511834825102945723050620924945330813385 7.141055219187640105774981425715568043182 "
                "4.378693561506806002523349192688561291658"
            ),
            beta=(
                "3.281013624325058830035942527039391584679 6.623045922639275970620558115911861104681 "
                "10.16969328379501162731835441884772989301"
            ),
        ),
    )
