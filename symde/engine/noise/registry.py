"""The methods for stochastic differential equations by name, and which one a kind of noise gets."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

from symde.engine.noise.method import NoiseMethod

NAMES = ("EulerMaruyama", "Milstein", "SRA1", "SRIW1")
"""One line a method; its file is its name in small letters."""

FOREIGN = {"em": "EulerMaruyama", "euler": "EulerMaruyama", "rkmil": "Milstein"} | dict.fromkeys(
    ("sosri", "sri", "srk"), "SRIW1"
) | dict.fromkeys(("sosra", "sra"), "SRA1")  # fmt: skip
"""Names that other programs use, and the method that does their work here."""

_DEFAULT = {
    "additive": "SRA1", "diagonal": "SRIW1", "scalar": "SRIW1", "commutative": "Milstein",
    "general": "EulerMaruyama",
}  # fmt: skip
"""The method of the highest strong order for each kind of noise."""


def methods() -> list[NoiseMethod]:
    """All methods, in the order of their names."""
    return [get(name) for name in NAMES]


def method_for(method: Any, noise: str) -> NoiseMethod:
    """The method asked for, or the one for a kind of noise.

    Raises:
        ValueError: no method has that name, or it does not hold its order, or not even its limit, with such
            noise. TypeError: not a method.
    """
    if method is None or (isinstance(method, str) and method.strip().lower() == "auto"):
        return get(_DEFAULT[noise])
    found = get(method)
    if noise not in found.noise:
        known = " or ".join(sorted(found.noise))
        raise ValueError(
            f"{found.name} is for {known} noise, and this is {noise}: use '{_DEFAULT[noise]}', or give no "
            "method"
        )
    return found


def get(method: Any) -> NoiseMethod:
    """The method of a name, in letters of either case; a method object is itself.

    Raises:
        ValueError: there is no such method; the nearest name, or else all, are in the message.
        TypeError: neither a name nor a method.
    """
    if isinstance(method, NoiseMethod):
        return method
    if not isinstance(method, str):
        found = type(method).__name__
        raise TypeError(f"expected a name such as 'EulerMaruyama' or a method for noise, found {found}")
    wanted = method.strip().lower()
    if wanted not in map(str.lower, NAMES):
        raise ValueError(_unknown(method, wanted))
    return importlib.import_module(f"symde.engine.noise.{wanted}").METHOD


def _unknown(method: str, wanted: str) -> str:
    if wanted in map(str.lower, importlib.import_module("symde.engine.methods.registry").NAMES):
        return f"'{method}' is a method for ordinary differential equations, and this one has noise"
    canonical = {one.lower(): one for one in NAMES}
    near = difflib.get_close_matches(wanted, canonical, n=1)
    nearest = FOREIGN.get(wanted) or (canonical[near[0]] if near else None)
    if nearest is not None:
        return f"unknown method '{method}' for equations with noise: did you mean '{nearest}'?"
    return f"unknown method '{method}' for equations with noise: there are {', '.join(NAMES)}"
