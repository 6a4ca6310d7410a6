"""Exprb43: the exponential Rosenbrock method of order 4 with an embedded one of order 3.

Source: M. Hochbruck, A. Ostermann, J. Schweitzer, Exponential Rosenbrock-type methods, SIAM Journal on
Numerical Analysis 47 (2009) 786-803, doi:10.1137/080717717, section 5, exprb43.
"""

from __future__ import annotations

from symde.engine.methods.exponential import ExponentialRosenbrock

METHOD = ExponentialRosenbrock(
    name="Exprb43",
    order=4,
    embedded_order=3,
    c=(0.5, 1),
    a=(((0, 0, 0, 0), (0, 0, 0, 0)), ((1, 0, 0, 0), (0, 0, 0, 0))),
    b=((0, 0, 16, -48), (0, 0, -2, 12)),
    error=((0, 0, 0, -48), (0, 0, 0, 12)),
    citation=(
        "M. Hochbruck, A. Ostermann, J. Schweitzer, Exponential Rosenbrock-type methods, SIAM Journal on "
        "Numerical Analysis 47 (2009) 786-803, doi:10.1137/080717717"
    ),
    when_to_use="Large semilinear equations whose stiffness is in their linear part.",
    source="Hochbruck, Ostermann & Schweitzer (2009), section 5",
)
