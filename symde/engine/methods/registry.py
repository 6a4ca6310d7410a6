"""The methods by name; a method's file is read when it is first asked for."""

from __future__ import annotations

import difflib
import importlib

from symde.engine.methods.tableau import ExplicitTableau, RosenbrockTableau

Method = ExplicitTableau | RosenbrockTableau

_NAMES = ("Tsit5", "Vern7", "DP5", "BS3", "RK4", "Euler", "Rodas5P", "Rodas4", "Rosenbrock23")


def names() -> list[str]:
    """The names of all methods: explicit ones first, then those for stiff equations."""
    return list(_NAMES)


def get(name: str) -> Method:
    """The method of a name, in letters of either case; the same object each time.

    Raises:
        ValueError: there is no such method; the nearest and all names are in the message.
    """
    wanted = name.strip().lower()
    if wanted not in map(str.lower, _NAMES):
        raise ValueError(_unknown(name))
    return importlib.import_module(f"symde.engine.methods.{wanted}").METHOD


def _unknown(name: str) -> str:
    canonical = {one.lower(): one for one in _NAMES}
    nearest = difflib.get_close_matches(name.strip().lower(), canonical, n=1)
    hint = f"did you mean '{canonical[nearest[0]]}'? " if nearest else ""
    return f"unknown method '{name}': {hint}there are {', '.join(_NAMES)}"
