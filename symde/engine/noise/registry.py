"""The methods for stochastic differential equations by name, and which one a kind of noise gets."""

from __future__ import annotations

from typing import Any

from symde.engine.named import NamedMethods
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


_METHODS = NamedMethods(
    NAMES,
    "symde.engine.noise",
    NoiseMethod,
    FOREIGN,
    "EulerMaruyama",
    "a method for noise",
    "equations with noise",
    "is a method for ordinary differential equations, and this one has noise",
)
methods, get = _METHODS.all, _METHODS.get


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
