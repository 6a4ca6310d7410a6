"""Rosenbrock23: the Rosenbrock pair of orders 2(3) for stiff equations at coarse tolerances.

The published form, with W = I - h d J, d = 1/(2 + sqrt 2) and e = 6 + sqrt 2, is

    W k_1 = f_0 + h d f_t
    W (k_2 - k_1) = f(t + h/2, u + h k_1/2) - k_1
    W k_3 = f(t + h, u + h k_2) - e (k_2 - f_1) - 2 (k_1 - f_0) + h d f_t
    u_new = u + h k_2,   error = h (k_1 - 2 k_2 + k_3)/6,
    u(theta) = u + h (theta (1 - theta) k_1 + theta (theta - 2 d) k_2)/(1 - 2 d)

with f_1 = f(t + h/2, u + h k_1/2). Division of each equation by h d makes its matrix I/(h d) - J. Put

    U_1 = h d k_1,   U_2 = h d (k_2 - k_1),   U_3 = h d (k_3 - e (k_2 - k_1) - 2 k_1),

so that k_1 = U_1/(h d), h k_2 = (U_1 + U_2)/d and h k_3 = (U_3 + e U_2 + 2 U_1)/d. The first two equations
become

    (I/(h d) - J) U_1 = f_0 + h d f_t
    (I/(h d) - J) U_2 = f_1 - U_1/(h d)

and give W (k_2 - k_1) = f_1 - k_1, W k_1 = f_0 + h d f_t, which turn W k_3 into

    (I/(h d) - J) U_3 = W k_3 - e W (k_2 - k_1) - 2 W k_1
                      = f_2 - e (k_2 - k_1) - 2 k_1 - h d f_t = f_2 - (e U_2 + 2 U_1)/(h d) - h d f_t.

Hence a_21 = 1/(2d), a_31 = a_32 = 1/d, c_21 = -1/d, c_31 = -2/d, c_32 = -e/d and d_i = (d, 0, -d). The
solution becomes u + (U_1 + U_2)/d, the error (U_1 (1 - 2 + 2) + U_2 (e - 2) + U_3)/(6 d) and the interpolant
u + theta U_1/d + theta (theta - 2 d) U_2/(d (1 - 2 d)).

Source: L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM Journal on Scientific Computing 18 (1997)
1-22, doi:10.1137/S1064827594276424, section 3.1 and its quadratic interpolant.
"""

from __future__ import annotations

from symde.engine.methods.exact import square_root
from symde.engine.methods.rosenbrock import RosenbrockTableau

_D = 1 / (2 + square_root(2))
_E = 6 + square_root(2)

METHOD = RosenbrockTableau(
    name="Rosenbrock23",
    order=2,
    embedded_order=3,
    gamma=_D,
    a=((), (1 / (2 * _D),), (1 / _D, 1 / _D)),
    c_matrix=((), (-1 / _D,), (-2 / _D, -_E / _D)),
    alpha="0 1/2 1",
    d=(_D, 0, -_D),
    m=(1 / _D, 1 / _D, 0),
    # the published error is the embedded solution minus the one that goes on
    error=(-1 / (6 * _D), (2 - _E) / (6 * _D), -1 / (6 * _D)),
    interpolant=((1 / _D, 0), (-2 / (1 - 2 * _D), 1 / (_D * (1 - 2 * _D))), (0, 0)),
    interpolant_order=2,
    citation=(
        "L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM Journal on Scientific Computing 18 "
        "(1997) 1-22, doi:10.1137/S1064827594276424"
    ),
    when_to_use="Stiff equations at coarse tolerances.",
    source="Shampine & Reichelt (1997), section 3.1",
)
