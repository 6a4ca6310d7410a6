"""Strategies of differentiation by name; a strategy's file is read when it is first asked for."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from symde.sensitivity.strategy import Strategy

NAMES = (
    "forward",
    "discrete",
    "interpolating",
    "gauss",
    "backsolve",
)
"""One line a strategy; its file is its name."""

AUTOMATIC = ("discrete", "interpolating", "forward")
"""Strategies that `auto` chooses among, those hardly dependent on the number of parameters first."""

AUTO = "auto"


def get(name: Any) -> Strategy:
    """The strategy of a name.

    Raises:
        ValueError: there is none.
    """
    if name not in NAMES:
        raise ValueError(f"unknown sensealg {name!r}: there are {', '.join((AUTO, *NAMES))}")
    return _module(name)


@functools.cache
def _module(name: str) -> Strategy:
    module: Any = importlib.import_module(f"symde.sensitivity.{name}")
    return module
