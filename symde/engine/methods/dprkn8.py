"""DPRKN8: the pair RKN8(6)9FM of Dormand, El-Mikkawy and Prince for y'' = f(t, y).

Source: J. R. Dormand, M. E. A. El-Mikkawy, P. J. Prince, High-order embedded Runge-Kutta-Nystrom formulae,
IMA Journal of Numerical Analysis 7 (1987) 423-430, table 1; in fractions as in R. W. Brankin, I. Gladwell, J.
R. Dormand, P. J. Prince, W. L. Seward, Algorithm 670, ACM Transactions on Mathematical Software 15 (1989)
31-40.
"""

from __future__ import annotations

from symde.engine.methods.exact import minus
from symde.engine.methods.nystrom import NystromTableau

_b = "223/7938 0 1175/8064 925/6048 41/448 925/14112 1175/72576 0 0"
_b_velocity = "223/7938 0 5875/36288 4625/21168 41/224 4625/21168 5875/36288 223/7938 0"
_lower = (
    "7987313/109941300 0 1610737/44674560 10023263/33505920 -497221/12409600 10023263/78180480 "
    "1610737/402071040 0 0"
)
_lower_velocity = (
    "7987313/109941300 0 1610737/40207104 10023263/23454144 -497221/6204800 10023263/23454144 "
    "1610737/40207104 -4251941/54970650 3/20"
)

METHOD = NystromTableau(
    name="DPRKN8",
    order=8,
    embedded_order=6,
    a=(
        "",
        "1/800",
        "1/600 1/300",
        "9/200 -9/100 9/100",
        "-66701/197352 28325/32892 -2665/5482 2170/24669",
        "227015747/304251000 -54897451/30425100 12942349/10141700 -9499/304251 539/9250",
        "-1131891597/901789000 41964921/12882700 -6663147/3220675 270954/644135 -108/5875 114/1645",
        (
            "13836959/3667458 -17731450/1833729 1063919505/156478208 -33213845/39119552 13335/28544 "
            "-705/14272 1645/57088"
        ),
        "223/7938 0 1175/8064 925/6048 41/448 925/14112 1175/72576",
    ),
    b=_b,
    b_velocity=_b_velocity,
    c="0 1/20 1/10 3/10 1/2 7/10 9/10 1 1",
    error=minus(_b, _lower),
    error_velocity=minus(_b_velocity, _lower_velocity),
    interpolant_order=7,
    citation=(
        "J. R. Dormand, M. E. A. El-Mikkawy, P. J. Prince, High-order embedded Runge-Kutta-Nystrom formulae, "
        "IMA Journal of Numerical Analysis 7 (1987) 423-430, doi:10.1093/imanum/7.4.423"
    ),
    when_to_use="Second-order equations without y' on the right, at moderate to tight tolerances.",
    source="Dormand, El-Mikkawy & Prince (1987), table 1",
)
