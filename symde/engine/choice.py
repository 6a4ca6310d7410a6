"""Which methods a solve uses.

Without a method: an explicit one while the problem is not stiff, a Rosenbrock one from when stiffness shows,
and back when it is gone. Below rtol 1e-5 the explicit one is of order 7: at equal error it is faster than
the one of order 5 on every smooth problem measured (`benchmarks/solvers.py`), and the more so the smaller the
error.
"""

from __future__ import annotations

import functools
from typing import Any

from symde.engine.methods import registry

TIGHT = 1e-5


@functools.lru_cache(maxsize=256)
def _named(names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(registry.get(name) for name in names)


def methods_for(method: Any, rtol: Any, split: bool = False) -> tuple[Any, ...]:
    """The method asked for, or the pair a solve switches between.

    Args:
        method: a name or a method object; None for the pair.
        rtol: the relative tolerance.
        split: whether the model marks its stiff part; an ESDIRK method that is half of an additive pair then
            stands for the pair.

    Raises:
        ValueError: no method has that name. TypeError: not a method.
    """
    if method is None or (isinstance(method, str) and method.lower() == "auto"):
        tight = isinstance(rtol, float) and rtol < TIGHT
        return _named(("vern7" if tight else "tsit5", "rodas5p"))
    if isinstance(method, str):
        (method,) = _named((method,))
    if hasattr(method, "family") and hasattr(method, "order"):
        pair = getattr(method, "additive", None) if split else None
        return (method if pair is None else pair,)
    raise TypeError(
        f"method must be a name such as 'Rodas5P' or a method object, found {type(method).__name__}"
    )
