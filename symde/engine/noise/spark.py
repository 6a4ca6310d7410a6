"""SPaRK: the method of splitting paths, whose steps may follow the error where noise does not commute.

Source: J. Foster, A. Jelincic (2024), arXiv:2311.14201, definition of the SPaRK method; its error is measured
from Heun's method.
"""

from __future__ import annotations

import math

from symde.engine.noise.space_time_tableau import SpaceTimeTableau, space_time_method

_OUTER, _INNER = (3.0 - math.sqrt(3.0)) / 6.0, math.sqrt(3.0) / 3.0

METHOD = space_time_method(
    "SPaRK",
    SpaceTimeTableau(
        a=("", "1/2", "0 1"),
        area=((), (math.sqrt(3.0),), ()),
        alpha=(_OUTER, _INNER, _OUTER),
        beta="1 0 -1",
        coarse="1/2 0 1/2",
    ),
    "Several Brownian motions that act on the same states, and steps that follow the error.",
    "J. Foster, A. Jelincic, On the convergence of adaptive approximations for stochastic differential "
    "equations (2024), doi:10.48550/arXiv.2311.14201",
)
