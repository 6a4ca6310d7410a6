"""DRI1: Debrabant's and Roessler's method of weak order 2 for any noise, of order 3 where there is none.

Source: K. Debrabant, A. Roessler, Appl. Numer. Math. 59 (2009), 582-594, table of DRI1 in section 4.
"""

from __future__ import annotations

import math

from symde.engine.noise.ri_tableau import RiTableau, ri_method

_OWN = 3.0 * math.sqrt(38.0 / 491.0)
_OTHER = 214.0 / 513.0 * math.sqrt(1105.0 / 991.0), 491.0 / 513.0 * math.sqrt(221.0 / 4955.0)
_SECOND = math.sqrt(491.0 / 38.0) / 6.0
_FOURTH = math.sqrt(4955.0 / 221.0) / 8.0

METHOD = ri_method(
    "DRI1",
    RiTableau(
        a0=("", "1/2", "-1 2"),
        a1=("", "342/491", "342/491"),
        b0=((), ((6.0 - math.sqrt(6.0)) / 10.0,), ((3.0 + 2.0 * math.sqrt(6.0)) / 5.0,)),
        b1=((), (_OWN,), (-_OWN,)),
        b2=((), (-_OTHER[0], -_OTHER[1], -_OTHER[1]), (_OTHER[0], _OTHER[1], _OTHER[1])),
        alpha="1/6 2/3 1/6",
        beta1="193/684 491/1368 491/1368",
        beta2=(0.0, _SECOND, -_SECOND),
        beta3="-4955/7072 4955/14144 4955/14144",
        beta4=(0.0, -_FOURTH, _FOURTH),
    ),
    "Means and other moments, of which paths of their own are not wanted.",
    "K. Debrabant, A. Roessler, Families of efficient second order Runge-Kutta methods for the weak "
    "approximation of Ito stochastic differential equations, Appl. Numer. Math. 59 (2009), 582-594, "
    "doi:10.1016/j.apnum.2008.03.012",
)
