"""ImplicitMidpoint: Gauss' method with one stage, of order 2.

Source: E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), I.(1.7) and VI.4.1.
"""

from __future__ import annotations

from symde.engine.methods.gauss import GaussMethod

METHOD = GaussMethod(
    name="ImplicitMidpoint",
    order=2,
    a=("1/2",),
    b="1",
    c="1/2",
    citation=(
        "E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), VI.4.1, "
        "doi:10.1007/3-540-30666-8"
    ),
    when_to_use="Quadratic invariants and rough solutions of any Hamiltonian, separable or not.",
    source="Hairer, Lubich & Wanner (2006), I.(1.7)",
)
