"""BS3: the explicit pair of orders 3(2) for coarse tolerances.

The interpolant is the cubic Hermite polynomial through both ends, whose slopes are the first and the last
stage.

Source: P. Bogacki, L. F. Shampine, A 3(2) pair of Runge-Kutta formulas, Applied Mathematics Letters 2 (1989)
321-325, doi:10.1016/0893-9659(89)90079-7.
"""

from __future__ import annotations

from symde.engine.methods.explicit import ExplicitTableau

_B = "2/9 1/3 4/9 0"

METHOD = ExplicitTableau(
    name="BS3",
    order=3,
    embedded_order=2,
    a=(
        "",
        "1/2",
        "0 3/4",
        _B,
    ),
    b=_B,
    c="0 1/2 3/4 1",
    error="-5/72 1/12 1/9 -1/8",
    interpolant=(
        "1 -4/3 5/9",
        "0 1 -2/3",
        "0 4/3 -8/9",
        "0 -1 1",
    ),
    interpolant_order=3,
    citation=(
        "P. Bogacki, L. F. Shampine, A 3(2) pair of Runge-Kutta formulas, Applied Mathematics Letters 2 "
        "(1989) 321-325, doi:10.1016/0893-9659(89)90079-7"
    ),
    when_to_use="Equations that are not stiff, at coarse tolerances.",
    source="Bogacki & Shampine (1989)",
)
