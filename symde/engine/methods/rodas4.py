"""Rodas4: the stiffly accurate Rosenbrock method of order 4 of Hairer and Wanner.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), VI.4, the code RODAS and its
coefficients (METH = 1), with the dense output of order 3; doi:10.1007/978-3-642-05221-7.
"""

from __future__ import annotations

from symde.engine.methods.exact import dense_from_differences
from symde.engine.methods.rosenbrock import RosenbrockTableau

_LAST = "1.221224509226641 6.019134481288629 12.53708332932087 -0.6878860361058950"
_M = _LAST + " 1 1"
_DENSE = (
    "10.12623508344586 -7.487995877610167 -34.80091861555747 -7.992771707568823 1.025137723295662",
    "-0.6762803392801253 6.087714651680015 16.43084320892478 24.76722511418386 -6.594389125716872",
)

METHOD = RosenbrockTableau(
    name="Rodas4",
    order=4,
    embedded_order=3,
    gamma="0.25",
    a=(
        "",
        "1.544",
        "0.9466785280815826 0.2557011698983284",
        "3.314825187068521 2.896124015972201 0.9986419139977817",
        _LAST,
        _LAST + " 1",
    ),
    c_matrix=(
        "",
        "-5.6688",
        "-2.430093356833875 -0.2063599157091915",
        "-0.1073529058151375 -9.594562251023355 -20.47028614809616",
        "7.496443313967647 -10.24680431464352 -33.99990352819905 11.70890893206160",
        "8.083246795921522 -7.981132988064893 -31.52159432874371 16.31930543123136 -6.058818238834054",
    ),
    alpha="0 0.386 0.21 0.63 1 1",
    d="0.25 -0.1043 0.1035 -0.0362 0 0",
    m=_M,
    error="0 0 0 0 0 1",
    interpolant=dense_from_differences(_M, _DENSE),
    interpolant_order=3,
    citation=(
        "E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, Springer (1996), VI.4, "
        "doi:10.1007/978-3-642-05221-7"
    ),
    when_to_use="Stiff equations at ordinary tolerances, for results comparable with the code RODAS.",
    source="Hairer & Wanner II, VI.4, RODAS with METH = 1",
)
