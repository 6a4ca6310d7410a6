"""RK4: the classical method of order 4, with fixed steps.

Its own four stages carry a continuous solution of order 3 and no more.

Source: W. Kutta, Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen, Zeitschrift fuer
Mathematik und Physik 46 (1901) 435-453; the continuous weights from E. Hairer, S. P. Norsett, G. Wanner,
Solving Ordinary Differential Equations I (1993), II.6, equation (6.16), doi:10.1007/978-3-540-78862-1.
"""

from __future__ import annotations

from symde.engine.methods.explicit import ExplicitTableau

METHOD = ExplicitTableau(
    name="RK4",
    order=4,
    embedded_order=None,
    a=(
        "",
        "1/2",
        "0 1/2",
        "0 0 1",
    ),
    b="1/6 1/3 1/3 1/6",
    c="0 1/2 1/2 1",
    error=None,
    interpolant=(
        "1 -3/2 2/3",
        "0 1 -2/3",
        "0 1 -2/3",
        "0 -1/2 2/3",
    ),
    interpolant_order=3,
    citation=(
        "W. Kutta, Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen, Zeitschrift "
        "fuer Mathematik und Physik 46 (1901) 435-453"
    ),
    when_to_use="Fixed steps, where a smooth equation must be sampled at equal distances.",
    source="Kutta (1901); Hairer, Norsett & Wanner I, II.1 and (6.16)",
)
