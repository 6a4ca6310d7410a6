"""Splitting methods for q' = g(p, t), p' = f(q, t), proved to be of the order they claim.

A step is a product of exponentials exp(h b_1 B) exp(h a_1 A) exp(h b_2 B) ..., where A moves positions with
momenta held and B the reverse. It is of order p where the coefficients of all words of up to p letters are
those of exp(h (A + B)), 1/length!; nothing is assumed of A and B.

Source: E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), II.5 and III.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import Exact, Row, exact_row
from symde.engine.methods.hermite import FirstOrder
from symde.engine.methods.published import Published


def words(kicks: Sequence[Any], drifts: Sequence[Any], longest: int) -> list[np.ndarray]:
    """Coefficients of all words in the product: for each length an array of shape (2, ..., 2), letters from
    the left, 0 for a kick and 1 for a drift."""
    dtype = object if isinstance(kicks[0], int) or hasattr(kicks[0], "numerator") else float
    found = [np.zeros((2,) * length, dtype=dtype) for length in range(longest + 1)]
    found[0][()] = 1
    for pair in zip(kicks, drifts, strict=True):
        for letter, weight in enumerate(pair):
            if weight != 0:
                _append(found, letter, weight)
    return found


def _append(found: list[np.ndarray], letter: int, weight: Any) -> None:
    """Multiply by exp(weight * letter) from the right; longest words first: each reads the old ones."""
    for length in range(len(found) - 1, 0, -1):
        for power in range(1, length + 1):
            target = found[length][(..., *(letter,) * power)]
            target += found[length - power] * weight**power / math.factorial(power)


def composed(weights: Row) -> tuple[Exact, Exact]:
    """Kicks and drifts of the composition of kick-drift-kick steps with these weights, of which the first
    half is given, the middle one included.

    Source: Hairer, Lubich & Wanner (2006), V.3.2.
    """
    half = exact_row(weights)
    whole = (*half, *half[-2::-1])
    padded = (Fraction(0), *whole, Fraction(0))
    kicks = tuple((left + right) / 2 for left, right in zip(padded, padded[1:], strict=False))
    return kicks, (*whole, Fraction(0))


def vanishing() -> np.ndarray:
    """[B, [B, [B, A]]] as words: zero where q' is linear in p, since then [B, [B, A]] moves momenta only.

    Source: Hairer, Lubich & Wanner (2006), III.3.3 and IV.2.3.
    """
    commutator = np.zeros((2,) * 4)
    commutator[0, 0, 0, 1], commutator[0, 0, 1, 0] = 1, -3
    commutator[0, 1, 0, 0], commutator[1, 0, 0, 0] = 3, -1
    return commutator


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class SplittingMethod(Published):
    """A splitting method with fixed steps.

        for i = 1 ... s:   p += h b_i f(q, t_q),   q += h a_i g(p, t_p)

    Each half has its own clock: t_q goes on with the drifts, t_p with the kicks, which makes the system an
    autonomous one with two more pairs of variables and keeps the order (Blanes, Diele, Marangi, Ragni 2010).

    Attributes:
        order: of the solution.
        a: drifts of the positions.
        b: kicks of the momenta.
        symmetric: whether the step is its own inverse with h reversed.
        nystrom: whether the order holds only where q' = M p + c with constants M and c (order 4 at most).

    Raises:
        TableauError: the numbers are not of the order claimed, or not symmetric where that is claimed.

    Source: S. Blanes, F. Diele, C. Marangi, S. Ragni, Splitting and composition methods for explicit time
    dependence in separable dynamical systems, Journal of Computational and Applied Mathematics 235 (2010)
    646-659, doi:10.1016/j.cam.2010.06.018, for the clocks.
    """

    family: ClassVar[str] = "symplectic"
    kind: ClassVar[str] = "symplectic splitting"
    stability: ClassVar[str] = "of oscillations only"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = False
    embedded_order: ClassVar[None] = None

    order: int
    a: Any
    b: Any
    symmetric: bool
    nystrom: bool = False

    def __post_init__(self) -> None:
        self._round({}, ("a", "b"))
        self._prove()

    @property
    def fsal(self) -> bool:
        """Whether the force of the last kick is that of the next step's first."""
        return bool(self.a[-1] == 0.0 and self.b[0] != 0.0)

    @property
    def stages(self) -> int:
        """Evaluations of the force that a step costs."""
        return int(np.count_nonzero(self.b)) - self.fsal

    @property
    def interpolant_order(self) -> int:
        """Of the Hermite interpolant: at most one below the method's own, which the end values follow."""
        return self.interpolant.order

    @property
    def interpolant(self) -> FirstOrder:
        """The dense output."""
        return FirstOrder.of_order(self.order - 1)

    def _prove(self) -> None:
        proofs.equal(self.name, "length of b", len(self.b), len(self.a))
        found = words(self.b, self.a, self.order)
        sizes = words(np.abs(self.b), np.abs(self.a), self.order)
        for length in range(1, self.order + 1):
            expected = np.full(found[length].shape, 1 / math.factorial(length))
            if self.nystrom and length == 4:
                expected += (found[4] - expected)[0, 0, 0, 1] * vanishing()
            what = f"words of {length} letters"
            proofs.equal(self.name, what, found[length], expected, sizes[length])
        flows = [x for pair in zip(self.b, self.a, strict=True) for x in pair]
        while flows[0] == 0.0:
            flows = flows[1:]
        while flows[-1] == 0.0:
            flows = flows[:-1]
        alike = len(flows) % 2 == 1 and bool(np.allclose(flows, flows[::-1], rtol=0, atol=1e-15))
        if alike != self.symmetric:
            raise proofs.TableauError(f"{self.name}: claimed symmetric: {self.symmetric}, found {alike}")
