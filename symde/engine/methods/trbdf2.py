"""TRBDF2: the trapezoidal rule to an inner point and the backward difference formula of order 2 from there.

Source: M. E. Hosea, L. F. Shampine, Analysis and implementation of TR-BDF2, Applied Numerical Mathematics 20
(1996) 21-37, doi:10.1016/0168-9274(95)00115-8, which gives the method of R. E. Bank et al., IEEE Transactions
on Computer-Aided Design 4 (1985) 436-451, its stages, its estimate of order 3, and cubic Hermite
interpolation between the stages' own slopes; here one cubic spans the step.
"""

from __future__ import annotations

from fractions import Fraction

from symde.engine.methods.esdirk import EsdirkTableau
from symde.engine.methods.exact import square_root

_ROOT = square_root(2)
_GAMMA = 1 - _ROOT / 2
_W = _ROOT / 4

METHOD = EsdirkTableau(
    name="TRBDF2",
    order=2,
    embedded_order=3,
    a=("", (_GAMMA, _GAMMA), (_W, _W, _GAMMA)),
    c=(0, 2 * _GAMMA, 1),
    embedded=((1 - _W) / 3, (3 * _W + 1) / 3, _GAMMA / 3),
    # b (3 theta^2 - 2 theta^3); the slopes at the ends have theta - 2 theta^2 + theta^3 and theta^3 - theta^2
    interpolant=(
        (1, 3 * _W - 2, 1 - 2 * _W),
        (0, 3 * _W, -2 * _W),
        (0, 3 * _GAMMA - 1, Fraction(1) - 2 * _GAMMA),
    ),
    interpolant_order=2,
    citation=(
        "M. E. Hosea, L. F. Shampine, Analysis and implementation of TR-BDF2, Applied Numerical Mathematics "
        "20 (1996) 21-37, doi:10.1016/0168-9274(95)00115-8"
    ),
    when_to_use="Stiff equations at loose tolerances, where rough right-hand sides ask for a low order.",
    source="Hosea & Shampine (1996), equations (1) to (5), gamma = 2 - sqrt(2)",
)
