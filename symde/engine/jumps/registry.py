"""The methods for jump processes by name; a method's file is read when it is first asked for."""

from __future__ import annotations

from symde.engine.jumps.method import JumpMethod
from symde.engine.named import NamedMethods

NAMES = ("Direct", "SortingDirect", "NRM", "CompositionRejection", "RSSACR", "TauLeaping")
"""One line a method; its file is its name in small letters."""

FOREIGN = {"ssa": "SortingDirect", "gillespie": "Direct", "sdm": "SortingDirect", "rssa": "RSSACR"}
"""Names that other programs use, and the method that does their work here."""


_METHODS = NamedMethods(
    NAMES,
    "symde.engine.jumps",
    JumpMethod,
    FOREIGN,
    "SortingDirect",
    "a method for jumps",
    "a jump process",
    "is a method for differential equations, and this is a jump process",
)
methods, get = _METHODS.all, _METHODS.get
