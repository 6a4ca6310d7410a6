"""The methods for stochastic differential equations by name, and which one a kind of noise gets."""

from __future__ import annotations

from typing import Any

from symde.engine.named import NamedMethods
from symde.engine.noise.method import NoiseMethod

NAMES = (
    "EulerMaruyama", "Milstein", "SRA1", "SRA2", "SRA3", "SOSRA", "SRIW1", "SRIW2", "SOSRI",
)  # fmt: skip
"""One line a method; its file is its name in small letters."""

FOREIGN = {
    "em": "EulerMaruyama", "euler": "EulerMaruyama", "rkmil": "Milstein", "sri": "SRIW1", "srk": "SRIW1",
    "sra": "SRA1",
}  # fmt: skip
"""Names that other programs use, and the method that does their work here."""

_DEFAULT = {
    "additive": "SOSRA", "diagonal": "SRIW2", "scalar": "SRIW2", "commutative": "Milstein",
    "general": "EulerMaruyama",
}  # fmt: skip
"""The method of the highest strong order for each kind of noise, and of the smallest errors among those, with
which SRIW2 is before SRIW1 and SOSRI, and SOSRA before SRA1 (`benchmarks/noise.py --errors`)."""


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
