"""Which methods a solve uses.

Without a method there are two: an explicit one while the problem is not stiff, and from when stiffness shows
one that solves linear systems; back when it is gone. Which they are follows from the tolerance and from what
the model is, by what was measured at equal error (`benchmarks/choice.py` tells how far from the best it is).

Explicit, up to rtol 1e-5:

- Taylor, where Taylor coefficients tell all of the right-hand side (`symde.codegen.analytic`) and it has up
  to 500 operations: the fastest at all errors on Pleiades (512 against 1428 us of Vern7 at error 5e-8),
  Arenstorf's orbit and Kepler's ellipse, as fast as the fastest on Lotka-Volterra and Lorenz. For a few
  states its kernel compiles as fast as the model's step of Vern7 (Robertson 108 against 86 ms, HIRES 218
  against 348); for Pleiades it takes 1.1 s, and the kernels of the stiff partner 5;
- DPRKN8, below rtol 1e-9 DPRKN12, for other equations q'' = f(t, q) (a chain of 100 masses 190 us at rtol
  1e-6, Taylor 200, Vern9 at 1e-9 450);
- Vern7 down to rtol 1e-8, Vern9 below.

Explicit above rtol 1e-5: Tsit5, which is quick to compile, and within 1.9 times the best at rtol 1e-4.

Stiff:

- up to 50 states: Rodas5P, the fastest on nearly all such problems; below rtol 2e-8 Radau, whose order grows
  to 13 and which is faster at errors of 1e-8 and less (HIRES at 2e-8 104 against 150 us, Oregonator at 6e-9
  221 against 420, Brusselator at 1e-8 560 against 890; E5 22 against 28), and with sensitivity columns about
  twice as fast there;
- more than 50 states: QNDF, which factorises rarely (Brusselator with 80 states 279 against 383 us at error
  1e-5, the medical problem of Akzo Nobel with 400 states 8.4 against 13.4 ms at 1e-7).

Models with a mass matrix, that is with equations without a derivative, are solved by the stiff one from the
start: no explicit method can.
"""

from __future__ import annotations

import functools
from typing import Any

from symde.engine.cpu.delays import FAMILIES as DELAY_FAMILIES
from symde.engine.methods import registry
from symde.problem.traits import Traits

TIGHT, VERY_TIGHT = 1e-5, 1e-8
"""Relative tolerances below which the explicit method is of order 7, and of order 9."""

TIGHT_WITH_DELAYS = 1e-6
"""The same of models with delays: their steps end at discontinuities, and each needs its interpolant, which
takes Vern7 six more evaluations. At error 1e-6 of four such models (benchmarks/delays.py) Tsit5 takes 48,
49, 23 and 51 us, Vern7 49, 40, 27 and 58; at 1e-8 Tsit5 takes 92, 104, 29 and 105, Vern7 68, 65, 31 and
104."""

VERY_TIGHT_NYSTROM = 1e-9
"""Relative tolerance below which the Nystrom method is of order 12."""

MANY_OPERATIONS = 500
"""Operations of a right-hand side above which the kernel of its Taylor series takes long to compile."""

STIFF_TIGHT = 2e-8
"""Relative tolerance below which the stiff method is of high order."""

MANY_STATES = 50
"""States above which the stiff method is one that factorises rarely."""


def default_pair(rtol: float, traits: Traits) -> tuple[str, ...]:
    """Names of the explicit and the stiff method of a solve that names none; with a mass matrix of the latter
    alone."""
    if traits.mass:
        return (_stiff(rtol, traits),)
    return _explicit(rtol, traits), _stiff(rtol, traits)


def _explicit(rtol: float, traits: Traits) -> str:
    if traits.delays:
        return "Tsit5" if rtol >= TIGHT_WITH_DELAYS else "Vern7"
    if rtol <= TIGHT and traits.analytic and traits.operations <= MANY_OPERATIONS:
        return "Taylor"
    if rtol <= TIGHT and traits.second_order:
        return "DPRKN8" if rtol >= VERY_TIGHT_NYSTROM else "DPRKN12"
    return "Tsit5" if rtol >= TIGHT else "Vern7" if rtol >= VERY_TIGHT else "Vern9"


def _stiff(rtol: float, traits: Traits) -> str:
    if traits.delays:  # steps may be longer than a delay, and begin anew at each discontinuity
        return "KenCarp4" if traits.states > MANY_STATES else "Rodas5P"
    if traits.states > MANY_STATES:
        return "QNDF"
    return "Radau" if rtol < STIFF_TIGHT else "Rodas5P"


@functools.lru_cache(maxsize=256)
def _named(names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(registry.get(name) for name in names)


def methods_for(method: Any, rtol: Any, traits: Traits, split: bool = False) -> tuple[Any, ...]:
    """The method asked for, or the pair a solve switches between.

    Args:
        method: a name or a method object; None for the pair.
        rtol: the relative tolerance.
        traits: what the model is.
        split: whether the model marks its stiff part; an ESDIRK method that is half of an additive pair then
            stands for the pair.

    Raises:
        ValueError: no method has that name. TypeError: not a method.
    """
    if method is None or (isinstance(method, str) and method.lower() == "auto"):
        # what is no tolerance is told later, with the other options
        return _named(default_pair(rtol if isinstance(rtol, float) else TIGHT, traits))
    if isinstance(method, str):
        (method,) = _named((method,))
    if hasattr(method, "family") and hasattr(method, "order") and not isinstance(method, type):
        if traits.delays and method.family not in DELAY_FAMILIES:
            raise ValueError(
                f"{method.name} does not solve models with delays: use an explicit Runge-Kutta, Rosenbrock, "
                "ESDIRK, Radau, BDF or Adams method, such as Tsit5, Vern7, Rodas5P or KenCarp4"
            )
        pair = getattr(method, "additive", None) if split and not traits.delays else None
        return (method if pair is None else pair,)
    found = f"the class {method.__name__}" if isinstance(method, type) else type(method).__name__
    raise TypeError(f"method must be a name such as 'Rodas5P' or a method object, found {found}")
