"""Rosenbrock23: the Rosenbrock pair of orders 2(3) for stiff equations at coarse tolerances.

The published form with stages k turns into the engine's by U_1 = h d k_1, U_2 = h d (k_2 - k_1) and U_3 = h d
(k_3 - e_32 (k_2 - k_1) - 2 k_1); the solution of order 3 is u_new + h (k_1 - 2 k_2 + k_3) / 6. The
interpolant u + h (theta (1 - theta) k_1 + theta (theta - 2 d) k_2) / (1 - 2 d) becomes u + theta U_1 / d +
theta (theta - 2 d) U_2 / (d (1 - 2 d)).

Source: L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM Journal on Scientific Computing 18 (1997)
1-22, doi:10.1137/S1064827594276424, section 3 and its quadratic interpolant.
"""

from __future__ import annotations

import math

from symde.engine.methods.tableau import RosenbrockTableau

_D = 1 / (2 + math.sqrt(2))
_E32 = 6 + math.sqrt(2)

METHOD = RosenbrockTableau(
    name="Rosenbrock23",
    order=2,
    embedded_order=3,
    gamma=_D,
    a=((), (1 / (2 * _D),), (1 / _D, 1 / _D)),
    c_matrix=((), (-1 / _D,), (-2 / _D, -_E32 / _D)),
    alpha=(0.0, 1 / 2, 1.0),
    d=(_D, 0.0, -_D),
    m=(1 / _D, 1 / _D, 0.0),
    error=(-1 / (6 * _D), (2 - _E32) / (6 * _D), -1 / (6 * _D)),
    interpolant=((1 / _D, 0.0), (-2 / (1 - 2 * _D), 1 / (_D * (1 - 2 * _D))), (0.0, 0.0)),
    interpolant_order=2,
    citation=(
        "L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM Journal on Scientific Computing 18 "
        "(1997) 1-22, doi:10.1137/S1064827594276424"
    ),
    when_to_use="Stiff equations at coarse tolerances.",
    source="Shampine & Reichelt (1997), section 3; transformed as in Hairer & Wanner II, (7.25)",
)
