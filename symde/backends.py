"""Who solves: the backends by name, one line each."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from symde.diagnostics import suggest

DEFAULT = "cpu"

BACKENDS = {
    "cpu": "symde.solve:solve_on_cpu",
    "torch": "symde.layers.solution:solve_by_torch",
}
"""Name -> function of (problem, method, options), as `module:name`; imported when first asked for."""


def backend(name: str | None) -> Callable[..., Any]:
    """The solver of a name.

    Raises:
        ValueError: there is none.
        ImportError: what it is made of is not installed.
    """
    if name is None:
        name = DEFAULT
    if name not in BACKENDS:
        nearest = suggest(str(name), BACKENDS)
        guess = f": did you mean '{nearest}'?" if nearest else f": there are {', '.join(map(repr, BACKENDS))}"
        raise ValueError(f"unknown backend {name!r}{guess}")
    module, _, function = BACKENDS[name].partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError("backend='torch' needs torch: pip install 'symde[torch]'", name="torch") from error
