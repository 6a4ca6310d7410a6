"""DPRKN6: the pair RKN6(4)6FD of Dormand, El-Mikkawy and Prince for y'' = f(t, y), with its free interpolant.

Source: J. R. Dormand, M. E. A. El-Mikkawy, P. J. Prince, Families of Runge-Kutta-Nystrom formulae, IMA
Journal of Numerical Analysis 7 (1987) 235-250, table 3; the interpolant from J. R. Dormand, P. J. Prince,
Runge-Kutta-Nystrom triples, Computers and Mathematics with Applications 13 (1987) 937-949, table 3.
"""

from __future__ import annotations

from fractions import Fraction

from symde.engine.methods.exact import minus, square_root
from symde.engine.methods.nystrom import NystromTableau

_r = square_root(8581)
_zero = Fraction(0)
_b = (
    Fraction(329, 4212),
    _zero,
    (84119543 + 366727 * _r) / 409622616,
    (84119543 - 366727 * _r) / 409622616,
    Fraction(200, 17901),
    _zero,
)
_b_velocity = (
    Fraction(329, 4212),
    _zero,
    (389225579 + 96856 * _r) / 1024056540,
    (389225579 - 96856 * _r) / 1024056540,
    Fraction(2000, 17901),
    Fraction(1, 20),
)
_lower = (
    (2701 + 23 * _r) / 4563,
    -(9829 + 131 * _r) / 9126,
    5 * (1798 + 17 * _r) / 9126,
    _zero,
    _zero,
    _zero,
)
_lower_velocity = (
    Fraction(115, 2106),
    _zero,
    (84119543 + 366727 * _r) / 256014135,
    (84119543 - 366727 * _r) / 256014135,
    Fraction(6950, 17901),
    Fraction(-1, 10),
)


def _row(scale: object, *values: object) -> tuple[Fraction, ...]:
    return tuple(Fraction(value) * Fraction(scale) for value in values)  # type: ignore[arg-type]


_position = Fraction(1, 22529243880)
_velocity = Fraction(1, 11264621940)

METHOD = NystromTableau(
    name="DPRKN6",
    order=6,
    embedded_order=4,
    a=(
        "",
        ((26131 - 209 * _r) / 810000,),
        ((26131 - 209 * _r) / 607500, (26131 - 209 * _r) / 303750),
        (
            (980403512254 + 7781688431 * _r) / 11694469921875,
            -(1262884486208 + 15385481287 * _r) / 11694469921875,
            (7166233891441 + 78694563299 * _r) / 46777879687500,
        ),
        (
            -9 * (329260 + 3181 * _r) / 27040000,
            27 * (35129 + 3331 * _r) / 13520000,
            -27 * (554358343 + 31040327 * _r) / 464060480000,
            153 * (8555257 - 67973 * _r) / 2745920000,
        ),
        _b[:5],
    ),
    b=_b,
    b_velocity=_b_velocity,
    c=(_zero, (209 - _r) / 900, (209 - _r) / 450, (209 + _r) / 450, Fraction(9, 10), Fraction(1)),
    error=minus(_b, _lower),
    error_velocity=minus(_b_velocity, _lower_velocity),
    interpolant=(
        _row(Fraction(1, 4212), 2106, -5244, 6386, -3819, 900),
        "0",
        _row(
            _position,
            0,
            18 * (81356461 + 25954829 * _r),
            22190560391 - 1109665151 * _r,
            -6 * (4929647204 - 156109769 * _r),
            1800 * (5860823 - 152228 * _r),
        ),
        _row(
            _position,
            0,
            18 * (81356461 - 25954829 * _r),
            22190560391 + 1109665151 * _r,
            -6 * (4929647204 + 156109769 * _r),
            1800 * (5860823 + 152228 * _r),
        ),
        _row(Fraction(200, 17901), 0, 195, -620, 651, -225),
        _row(Fraction(1, 220), 0, -234, 757, -823, 300),
    ),
    interpolant_velocity=(
        _row(Fraction(1, 4212), 4212, -15732, 25544, -19095, 5400),
        "0",
        _row(
            _velocity,
            0,
            27 * (81356461 + 25954829 * _r),
            2 * (22190560391 - 1109665151 * _r),
            -15 * (4929647204 - 156109769 * _r),
            5400 * (5860823 - 152228 * _r),
        ),
        _row(
            _velocity,
            0,
            27 * (81356461 - 25954829 * _r),
            2 * (22190560391 + 1109665151 * _r),
            -15 * (4929647204 + 156109769 * _r),
            5400 * (5860823 + 152228 * _r),
        ),
        _row(Fraction(1000, 17901), 0, 117, -496, 651, -270),
        _row(Fraction(1, 220), 0, -702, 3028, -4115, 1800),
    ),
    interpolant_order=5,
    citation=(
        "J. R. Dormand, M. E. A. El-Mikkawy, P. J. Prince, Families of Runge-Kutta-Nystrom formulae, IMA "
        "Journal of Numerical Analysis 7 (1987) 235-250, doi:10.1093/imanum/7.2.235"
    ),
    when_to_use="Second-order equations without y' on the right, at loose tolerances or with dense output.",
    source="Dormand, El-Mikkawy & Prince (1987), table 3; Dormand & Prince (1987), table 3",
)
