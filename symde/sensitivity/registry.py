"""Strategies of differentiation by name; a strategy's file is read when it is first asked for."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from symde.diagnostics import suggest
from symde.sensitivity.strategy import Strategy

NAMES = (
    "forward",
    "discrete",
    "interpolating",
    "gauss",
    "backsolve",
)
"""One line a strategy; its file is its name."""

AUTOMATIC = ("discrete", "interpolating", "gauss", "forward")
"""Strategies that `auto` chooses among, those hardly dependent on the number of parameters first."""

AUTO = "auto"

FOREIGN = {
    "forwardsensitivity": "forward",
    "forwarddiffsensitivity": "forward",
    "forwardmode": "forward",
    "directadjoint": "discrete",
    "recursivecheckpointadjoint": "discrete",
    "reversediffadjoint": "discrete",
    "trackeradjoint": "discrete",
    "zygoteadjoint": "discrete",
    "enzymeadjoint": "discrete",
    "mooncakeadjoint": "discrete",
    "reverse": "discrete",
    "backprop": "discrete",
    "adjoint": "interpolating",
    "continuous": "interpolating",
    "interpolatingadjoint": "interpolating",
    "quadratureadjoint": "gauss",
    "gaussadjoint": "gauss",
    "gausskronrodadjoint": "gauss",
    "backsolveadjoint": "backsolve",
}
"""What other programs call a strategy, without regard to case, and what does it here."""

ELSEWHERE = {
    "forwardlss": "symde.shadowing",
    "adjointlss": "symde.shadowing",
    "nilss": "symde.shadowing",
    "nilsas": "symde.shadowing",
    "shadowing": "symde.shadowing",
    "steadystateadjoint": "symde.steady_state",
    "implicitadjoint": "symde.steady_state",
}
"""Names of what is a function of its own here."""


def get(name: Any, events: bool = False) -> Strategy:
    """The strategy of a name; with events one that takes a solve in segments.

    Raises:
        ValueError: there is none.
    """
    if name not in NAMES:
        raise ValueError(f"unknown sensealg {name!r}: {_hint(name)}")
    return _in_segments(name) if events else _module(name)


@functools.cache
def _in_segments(name: str) -> Strategy:
    from symde.sensitivity.back_segments import InSegments

    return InSegments(_module(name))


@functools.cache
def _module(name: str) -> Strategy:
    module: Any = importlib.import_module(f"symde.sensitivity.{name}")
    return module


def _hint(name: Any) -> str:
    """What was meant by a name that is none here."""
    known = ", ".join((AUTO, *NAMES))
    plain = "".join(filter(str.isalnum, str(name))).lower()
    if plain in ELSEWHERE:
        return f"see {ELSEWHERE[plain]}; here there are {known}"
    meant = FOREIGN.get(plain) or suggest(plain, (AUTO, *NAMES))
    return f"did you mean {meant!r}? There are {known}" if meant else f"there are {known}"
