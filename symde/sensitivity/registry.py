"""Strategies of differentiation by name; a strategy's file is read when it is first asked for."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from symde.diagnostics import suggest
from symde.sensitivity.run import Run
from symde.sensitivity.strategy import Record, Strategy
from symde.sensitivity.wrt import Wrt

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


def get(name: Any) -> Strategy:
    """The strategy of a name.

    Raises:
        ValueError: there is none.
    """
    if name not in NAMES:
        raise ValueError(f"unknown sensealg {name!r}: {_hint(name)}")
    return _module(name)


def record(name: str, run: Run, wrt: Wrt) -> Record:
    """A solve made ready for a strategy, in segments where the model has events.

    Raises:
        ValueError: there is no strategy of that name, or it cannot differentiate this, with the reason.
        SolveError: the solve did not reach its end.
    """
    strategy = get(name)
    if not run.problem.system.kernels.has_events:
        return strategy.record(run, wrt)
    from symde.sensitivity import hybrid_record

    return hybrid_record.record(name, strategy, run, wrt)


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
