"""torchdiffeq's names of methods.

Sources: K. Heun, Neue Methoden zur approximativen Integration der Differentialgleichungen einer unabhaengigen
Veraenderlichen, Zeitschrift fuer Mathematik und Physik 45 (1900) 23-38; C. Runge, Ueber die numerische
Aufloesung von Differentialgleichungen, Mathematische Annalen 46 (1895) 167-178, doi:10.1007/BF01446807; W.
Kutta, Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen, Zeitschrift fuer Mathematik
und Physik 46 (1901) 435-453; E. Fehlberg, Low-order classical Runge-Kutta formulas with stepsize control and
their application to some heat transfer problems, NASA TR R-315 (1969), Table III.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from symde.engine.batched.families import check_family
from symde.engine.methods import registry
from symde.engine.methods.explicit import ExplicitTableau


@functools.cache
def _heun_euler() -> ExplicitTableau:
    return ExplicitTableau(
        name="Heun's method with Euler's as its estimate",
        order=2,
        embedded_order=1,
        a=("", "1"),
        b="1/2 1/2",
        c="0 1",
        error="-1/2 1/2",
        interpolant=("1 -1/2", "0 1/2"),
        interpolant_order=2,
        citation="K. Heun, Neue Methoden zur approximativen Integration (1900)",
        when_to_use="For comparison with programs that use it.",
        source="Heun (1900)",
    )


@functools.cache
def _fehlberg() -> ExplicitTableau:
    return ExplicitTableau(
        name="RKF1(2)",
        order=2,
        embedded_order=1,
        a=("", "1/2", "1/256 255/256"),
        b="1/512 255/256 1/512",
        c="0 1/2 1",
        error="-1/512 0 1/512",
        interpolant=("1 -511/512", "0 255/256", "0 1/512"),
        interpolant_order=2,
        citation="E. Fehlberg, Low-order classical Runge-Kutta formulas, NASA TR R-315 (1969)",
        when_to_use="For comparison with programs that use it.",
        source="Fehlberg (1969), Table III",
    )


def _fixed(name: str, order: int, a: Any, b: str, c: str, interpolant: Any, source: str) -> ExplicitTableau:
    return ExplicitTableau(
        name=name,
        order=order,
        embedded_order=None,
        a=a,
        b=b,
        c=c,
        error=None,
        interpolant=interpolant,
        interpolant_order=min(order, max(len(row.split()) for row in interpolant)),
        citation=source,
        when_to_use="For comparison with programs that use it.",
        source=source,
    )


@functools.cache
def _midpoint() -> ExplicitTableau:
    return _fixed("Midpoint", 2, ("", "1/2"), "0 1", "0 1/2", ("1 -1", "0 1"), "Runge (1895)")


@functools.cache
def _heun2() -> ExplicitTableau:
    return _fixed("Heun2", 2, ("", "1"), "1/2 1/2", "0 1", ("1 -1/2", "0 1/2"), "Heun (1900)")


@functools.cache
def _heun3() -> ExplicitTableau:
    rows = ("1 -3/4", "0", "0 3/4")
    return _fixed("Heun3", 3, ("", "1/3", "0 2/3"), "1/4 0 3/4", "0 1/3 2/3", rows, "Heun (1900)")


@functools.cache
def _three_eighths() -> ExplicitTableau:
    stages = ("", "1/3", "-1/3 1", "1 -1 1")
    rows = ("1 -15/8 1", "0 15/8 -3/2", "0 3/8", "0 -3/8 1/2")
    return _fixed("3/8 rule", 4, stages, "1/8 3/8 3/8 1/8", "0 1/3 2/3 1", rows, "Kutta (1901)")


def _named(name: str) -> Callable[[], Any]:
    return lambda: registry.get(name)


ADAPTIVE: dict[str, Callable[[], Any]] = {
    "dopri8": _named("Vern8"),
    "dopri5": _named("DP5"),
    "bosh3": _named("BS3"),
    "tsit5": _named("Tsit5"),
    "fehlberg2": _fehlberg,
    "adaptive_heun": _heun_euler,
}
"""Methods that choose their steps, by torchdiffeq's names."""

FIXED: dict[str, Callable[[], Any]] = {
    "euler": _named("Euler"),
    "midpoint": _midpoint,
    "heun2": _heun2,
    "heun3": _heun3,
    "rk4": _three_eighths,
}
"""Methods on a grid, by torchdiffeq's names."""

_STIFF = "it is implicit on a fixed grid: 'KenCarp4' and 'Rodas5P' are implicit and choose their steps"
_ADAMS = "it is a multistep method: use 'tsit5', or 'rk4' on a fixed grid"
REFUSED = {
    **dict.fromkeys(("implicit_euler", "implicit_midpoint", "trapezoid", "gl4", "gl6", "sdirk2"), _STIFF),
    **dict.fromkeys(("radauIIA3", "radauIIA5", "trbdf2"), _STIFF),
    **dict.fromkeys(("explicit_adams", "implicit_adams", "fixed_adams"), _ADAMS),
    "scipy_solver": "it leaves torch: name a method of symde, for LSODA or Radau 'Rodas5P'",
}
"""torchdiffeq's methods that are not here, and why."""

DEFAULT = "dopri5"


def method_of(name: Any) -> Any:
    """The method of a name, torchdiffeq's or symde's.

    Raises:
        ValueError: there is none, or it is not here.
    """
    if name is None:
        name = DEFAULT
    known = {**ADAPTIVE, **FIXED}
    if name in known:
        return known[name]()
    if name in REFUSED:
        raise ValueError(f"method {name!r} is not here: {REFUSED[name]}")
    if not isinstance(name, str) or name not in registry.NAMES:
        raise ValueError(
            f"unknown method {name!r}: there are {', '.join(known)}, and methods of symde as 'Vern7'"
        )
    method = registry.get(name)
    check_family(method)
    return method
