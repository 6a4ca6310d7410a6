"""Problems with known ends, each once, for tests, examples and benchmarks.

from tests.problems import get, names
case = get("hires")
case.error(symde.solve(case.problem).u[-1])
"""

from __future__ import annotations

from . import (
    akzo,
    arenstorf,
    brusselator,
    brusselator2d,
    e5,
    fput,
    henon,
    hires,
    kepler,
    linear,
    lorenz,
    lotka,
    orego,
    pleiades,
    pollu,
    ring,
    rober,
    vanderpol,
)
from .case import Case

__all__ = ["Case", "get", "names"]

_FILES = (
    linear, lotka, lorenz, kepler, henon, arenstorf, pleiades, fput,
    brusselator, brusselator2d, akzo, rober, hires, orego, pollu, ring, vanderpol, e5,
)  # fmt: skip
_CASES = {case.name: case for file in _FILES for case in file.CASES}


def names() -> tuple[str, ...]:
    """Names of all problems, simple ones first."""
    return tuple(_CASES)


def get(name: str) -> Case:
    """The problem of a name.

    Raises:
        KeyError: there is none.
    """
    return _CASES[name]
