"""SymplecticEuler: one kick and one drift, of order 1.

Source: R. de Vogelaere, Methods of integration which preserve the contact transformation property of the
Hamilton equations, University of Notre Dame (1956); E. Hairer, C. Lubich, G. Wanner, Geometric Numerical
Integration (2006), I.1.2.
"""

from __future__ import annotations

from symde.engine.methods.splitting import SplittingMethod

METHOD = SplittingMethod(
    name="SymplecticEuler",
    order=1,
    b="1",
    a="1",
    symmetric=False,
    citation=(
        "E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), I.1.2, "
        "doi:10.1007/3-540-30666-8"
    ),
    when_to_use="The cheapest symplectic step, for demonstrations and rough long-time pictures.",
    source="Hairer, Lubich & Wanner (2006), I.(1.9)",
)
