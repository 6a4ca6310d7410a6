"""Which methods a solve uses.

Without a method there are two: an explicit one while the problem is not stiff, and from when stiffness shows
one that solves linear systems; back when it is gone. Which they are follows from the tolerance and the number
of states, by what was measured at equal error (`benchmarks/solvers.py`; networks, grids of 10 to 150 states):

- explicit: Tsit5 down to rtol 1e-5, Vern7 down to 1e-8, Vern9 below;
- stiff, up to 50 states: Rodas5P, the fastest on nearly all such problems; below rtol 3e-9 Radau, whose order
  grows to 13 and which was faster at errors of 1e-9 and less;
- stiff, more than 50 states: QNDF, which factorises rarely (Brusselator with 80 states 279 against 383 us at
  error 1e-5, the medical problem of Akzo Nobel with 400 states 8.4 against 13.4 ms at 1e-7).
"""

from __future__ import annotations

import functools
from typing import Any

from symde.engine.methods import registry

TIGHT, VERY_TIGHT = 1e-5, 1e-8
"""Relative tolerances below which the explicit method is of order 7, and of order 9."""

STIFF_TIGHT = 3e-9
"""Relative tolerance below which the stiff method is of high order."""

MANY_STATES = 50
"""States above which the stiff method is one that factorises rarely."""


def default_pair(rtol: float, n: int) -> tuple[str, str]:
    """Names of the explicit and the stiff method of a solve that names none."""
    explicit = "Tsit5" if rtol >= TIGHT else "Vern7" if rtol >= VERY_TIGHT else "Vern9"
    if n > MANY_STATES:
        return explicit, "QNDF"
    return explicit, "Radau" if rtol < STIFF_TIGHT else "Rodas5P"


@functools.lru_cache(maxsize=256)
def _named(names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(registry.get(name) for name in names)


def methods_for(method: Any, rtol: Any, split: bool = False, n: int = 1) -> tuple[Any, ...]:
    """The method asked for, or the pair a solve switches between.

    Args:
        method: a name or a method object; None for the pair.
        rtol: the relative tolerance.
        split: whether the model marks its stiff part; an ESDIRK method that is half of an additive pair then
            stands for the pair.
        n: the number of states.

    Raises:
        ValueError: no method has that name. TypeError: not a method.
    """
    if method is None or (isinstance(method, str) and method.lower() == "auto"):
        # what is no tolerance is told later, with the other options
        return _named(default_pair(rtol if isinstance(rtol, float) else TIGHT, n))
    if isinstance(method, str):
        (method,) = _named((method,))
    if hasattr(method, "family") and hasattr(method, "order"):
        pair = getattr(method, "additive", None) if split else None
        return (method if pair is None else pair,)
    raise TypeError(
        f"method must be a name such as 'Rodas5P' or a method object, found {type(method).__name__}"
    )
