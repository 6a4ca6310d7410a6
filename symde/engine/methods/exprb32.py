"""Exprb32: the exponential Rosenbrock method of order 3 with an embedded one of order 2.

Source: M. Hochbruck, A. Ostermann, J. Schweitzer, Exponential Rosenbrock-type methods, SIAM Journal on
Numerical Analysis 47 (2009) 786-803, doi:10.1137/080717717, section 5, exprb32.
"""

from __future__ import annotations

from symde.engine.methods.exponential import ExponentialRosenbrock

METHOD = ExponentialRosenbrock(
    name="Exprb32",
    order=3,
    embedded_order=2,
    c=(1,),
    a=(((0, 0, 0, 0),),),
    b=((0, 0, 2, 0),),
    error=((0, 0, 2, 0),),
    citation=(
        "M. Hochbruck, A. Ostermann, J. Schweitzer, Exponential Rosenbrock-type methods, SIAM Journal on "
        "Numerical Analysis 47 (2009) 786-803, doi:10.1137/080717717"
    ),
    when_to_use="Large semilinear equations at coarse tolerances.",
    source="Hochbruck, Ostermann & Schweitzer (2009), section 5",
)
