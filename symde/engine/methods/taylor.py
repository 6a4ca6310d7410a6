"""Taylor: the Taylor-series method, its coefficients by automatic differentiation of the model.

A step evaluates the polynomial of the solution's first Taylor coefficients, which a kernel generated from the
model computes by recurrences (`symde.codegen.taylor_jets`). The order follows the tolerance, the step size
the last two coefficients, which are known before the step is taken; so steps are hardly ever rejected, and
the polynomial is the continuous solution.

Source: A. Jorba, M. Zou, A software package for the numerical integration of ODEs by means of high-order
Taylor methods, Experimental Mathematics 14 (2005) 99-117, doi:10.1080/10586458.2005.10128904, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.method import Described
from symde.engine.methods.stability import polynomial_real_stability


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class TaylorSeries(Described):
    """A Taylor-series method whose order is chosen from rtol when a run begins.

        order = order_at_one + order_per_log * (-ln rtol), rounded down, from least_order to order

    Attributes:
        order, least_order: the highest and the lowest order.
        order_at_one, order_per_log: the order by tolerance.

    Raises:
        TableauError: the numbers contradict each other.
    """

    family: ClassVar[str] = "taylor"
    kind: ClassVar[str] = "Taylor series"
    variable_order: ClassVar[bool] = True
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = True  # the jet of a new state is known when its step is accepted

    order: int
    least_order: int
    order_at_one: float
    order_per_log: float

    def __post_init__(self) -> None:
        if not 2 <= self.least_order <= self.order:
            raise proofs.TableauError(f"{self.name}: orders from {self.least_order} to {self.order}")
        if not self.order_per_log > 0:
            raise proofs.TableauError(f"{self.name}: the order grows as the tolerance falls")

    @property
    def embedded_order(self) -> int:
        """The estimate is the last term: what a method of one order less would leave out."""
        return self.order - 1

    @property
    def interpolant_order(self) -> int:
        """The continuous solution is the polynomial itself."""
        return self.order

    @property
    def stages(self) -> int:
        """A step computes one jet."""
        return 1

    @property
    def real_stability(self) -> float:
        """At the highest order."""
        return polynomial_real_stability(np.array([1.0 / factorial(k) for k in range(self.order + 1)]))

    @property
    def stability(self) -> str:
        """Up to where on the negative real axis decay is kept, at the highest order."""
        return f"to -{self.real_stability:.2g}"

    @property
    def exact(self) -> Mapping[str, Any]:
        """There are no coefficients: the method is the series."""
        return {}


METHOD = TaylorSeries(
    name="Taylor",
    order=20,
    least_order=4,
    order_at_one=2.0,
    order_per_log=0.75,
    citation=(
        "A. Jorba, M. Zou, A software package for the numerical integration of ODEs by means of high-order "
        "Taylor methods, Experimental Mathematics 14 (2005) 99-117, doi:10.1080/10586458.2005.10128904"
    ),
    when_to_use="Smooth equations that are not stiff, at tight tolerances: orbits, chaos, oscillators.",
    source="section 3.2, equations (3-1) and (3-5); recurrences in symde/codegen/taylor_jets.py",
)
