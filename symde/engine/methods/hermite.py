"""Interpolants of any order from the ends of a step and values of the right-hand side within it.

The cubic Hermite polynomial of a step is of order 3. Where it is evaluated, the right-hand side gives
derivatives whose error is that of the polynomial, and the polynomial that takes these too is of one order
more: two where the derivatives are second ones, y'' = f(t, y). So any order is reached, pass by pass.

Source: W. H. Enright, K. R. Jackson, S. P. Norsett, P. G. Thomsen, Interpolants for Runge-Kutta formulas, ACM
Transactions on Mathematical Software 12 (1986) 193-218, doi:10.1145/7921.7923.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from symde.engine.methods.exact import exact_row

FIRST = {0: "", 1: "4/5", 2: "3/20 17/20", 3: "3/20 3/4 17/20", 4: "3/20 1/4 3/4 17/20"}
SECOND = {0: "", 2: "2/5 3/5", 4: "1/20 2/5 3/5 19/20", 6: "1/20 3/10 2/5 3/5 7/10 19/20"}
"""Points within the step for first and for second derivatives, of those on a grid of 1/20 where errors of the
derivatives are seen least. (Points of quadrature formulas, which suggest themselves, make the conditions
dependent.)"""


@dataclass(frozen=True, slots=True)
class Pass:
    """A polynomial through what is known so far.

    Attributes:
        nodes: points where the right-hand side has been evaluated on the polynomial of the pass before.
        weights: coefficient of theta^k for k = 1, 2, ... by each datum, degree x data.
    """

    nodes: tuple[Fraction, ...]
    weights: np.ndarray


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """Interpolants of u' = f(t, u); data (u1 - u0)/h, f0, f1 and f at the nodes, in units of h.

    Attributes:
        order: q where the interpolant is off by h^(q+1) within a step.
        passes: the cubic polynomial and those built on it.
    """

    order: int
    passes: tuple[Pass, ...]

    @classmethod
    def of_order(cls, order: int) -> FirstOrder:
        """The cheapest interpolant of at least that order."""
        return _first_order(max(order, 3))

    @property
    def degree(self) -> int:
        """Of the last polynomial."""
        return len(self.passes[-1].weights)


@functools.cache
def _first_order(order: int) -> FirstOrder:
    return FirstOrder(order, tuple(_first_order_pass(exact_row(FIRST[count])) for count in range(order - 2)))


def _first_order_pass(nodes: tuple[Fraction, ...]) -> Pass:
    degree = 3 + len(nodes)
    powers = range(1, degree + 1)
    conditions = [[Fraction(1) for _ in powers]]
    conditions += [[_derivative(k, 1, theta) for k in powers] for theta in (Fraction(0), Fraction(1), *nodes)]
    return Pass(nodes, _rounded(inverse(conditions)))


@dataclass(frozen=True, slots=True)
class SecondOrder:
    """Interpolants of q'' = f(t, q), q' = M p, p' = f(t, q).

    Attributes:
        order: q where momenta are off by h^(q+1) within a step; positions are better by two.
        passes: for positions: the quintic polynomial and those built on it. Data (q1 - q0)/h, q'0, q'1 in
            units of h, then q''0, q''1 and q'' at the nodes in units of h^2.
        momenta: for momenta, with the nodes of the last pass. Data (p1 - p0)/h, p'0, p'1 and p' at the nodes.
    """

    order: int
    passes: tuple[Pass, ...]
    momenta: Pass

    @classmethod
    def of_order(cls, order: int) -> SecondOrder:
        """The cheapest interpolant of at least that order."""
        return _second_order(-(-max(order - 3, 0) // 2))

    @property
    def degree(self) -> int:
        """Of the last polynomial of the position."""
        return len(self.passes[-1].weights)


@functools.cache
def _second_order(raised: int) -> SecondOrder:
    nodes = [exact_row(SECOND[2 * k]) for k in range(raised + 1)]
    passes = tuple(_second_order_pass(one) for one in nodes)
    return SecondOrder(3 + 2 * raised, passes, _first_order_pass(nodes[-1]))


def _second_order_pass(nodes: tuple[Fraction, ...]) -> Pass:
    powers = range(1, 6 + len(nodes))
    ends = Fraction(0), Fraction(1)
    conditions = [[Fraction(1) for _ in powers]]
    conditions += [[_derivative(k, 1, theta) for k in powers] for theta in ends]
    conditions += [[_derivative(k, 2, theta) for k in powers] for theta in (*ends, *nodes)]
    return Pass(nodes, _rounded(inverse(conditions)))


def _derivative(power: int, order: int, theta: Fraction) -> Fraction:
    """The first or second derivative of theta^power."""
    if order > power:
        return Fraction(0)
    return (power if order == 1 else power * (power - 1)) * theta ** (power - order)


def _rounded(rows: Sequence[Sequence[Fraction]]) -> np.ndarray:
    return np.array([[float(value) for value in row] for row in rows])


def inverse(matrix: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    """The inverse of a regular matrix, without rounding (Gauss and Jordan)."""
    n = len(matrix)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(matrix)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [value / rows[k][k] for value in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                factor = rows[i][k]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]
