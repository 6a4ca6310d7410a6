"""The methods for jump processes by name; a method's file is read when it is first asked for."""

from __future__ import annotations

import difflib
import importlib

from symde.engine.jumps.method import JumpMethod

NAMES = ("Direct", "SortingDirect", "NRM", "CompositionRejection", "TauLeaping")
"""One line a method; its file is its name in small letters."""

FOREIGN = {"ssa": "SortingDirect", "gillespie": "Direct", "sdm": "SortingDirect"}
"""Names that other programs use, and the method that does their work here."""


def methods() -> list[JumpMethod]:
    """All methods, in the order of their names."""
    return [get(name) for name in NAMES]


def get(method: str | JumpMethod) -> JumpMethod:
    """The method of a name, in letters of either case; a method object is itself.

    Raises:
        ValueError: there is no such method; the nearest name, or else all, are in the message.
        TypeError: neither a name nor a method.
    """
    if isinstance(method, JumpMethod):
        return method
    if not isinstance(method, str):
        found = type(method).__name__
        raise TypeError(f"expected a name such as 'SortingDirect' or a method for jumps, found {found}")
    wanted = method.strip().lower()
    if wanted not in map(str.lower, NAMES):
        raise ValueError(_unknown(method, wanted))
    return importlib.import_module(f"symde.engine.jumps.{wanted}").METHOD


def _unknown(method: str, wanted: str) -> str:
    if wanted in map(str.lower, importlib.import_module("symde.engine.methods.registry").NAMES):
        return f"'{method}' is a method for differential equations, and this is a jump process"
    canonical = {one.lower(): one for one in NAMES}
    near = difflib.get_close_matches(wanted, canonical, n=1)
    nearest = FOREIGN.get(wanted) or (canonical[near[0]] if near else None)
    if nearest is not None:
        return f"unknown method '{method}' for a jump process: did you mean '{nearest}'?"
    return f"unknown method '{method}' for a jump process: there are {', '.join(NAMES)}"
