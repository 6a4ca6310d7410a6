"""Who solves: the backends by name, one line each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from symde.diagnostics import suggest

DEFAULT = "cpu"

BACKENDS = {
    "cpu": "symde.solve:solve_on_cpu",
    "torch": "symde.layers.solution:solve_by_torch",
}
"""Name -> function of (problem, method, options), as `module:name`; imported when first asked for."""

MEMBERS = {
    "torch": "symde.layers.members:MembersByTorch",
}
"""The same for members of ensembles, of which the default has loops of its own."""


def backend(name: str | None) -> Callable[..., Any]:
    """The solver of a name.

    Raises:
        ValueError: there is none.
        ImportError: what it is made of is not installed.
    """
    return _imported(DEFAULT if name is None else name, BACKENDS)


def members_backend(name: str) -> Callable[..., Any]:
    """What solves members, of another name than the default; errors as of `backend`."""
    return _imported(name, MEMBERS)


def _imported(name: str, homes: Mapping[str, str]) -> Callable[..., Any]:
    if not isinstance(name, str) or name not in homes:
        nearest = suggest(str(name), BACKENDS)
        guess = f": did you mean '{nearest}'?" if nearest else f": there are {', '.join(map(repr, BACKENDS))}"
        raise ValueError(f"unknown backend {name!r}{guess}")
    module, _, function = homes[name].partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError("backend='torch' needs torch: pip install 'symde[torch]'", name="torch") from error
