"""The methods for stochastic differential equations by name, and which one a kind of noise gets."""

from __future__ import annotations

from typing import Any

from symde.engine.named import NamedMethods
from symde.engine.noise.method import NoiseMethod

NAMES = (
    "EulerMaruyama", "Milstein", "SRA1", "SRA2", "SRA3", "SOSRA", "SRIW1", "SRIW2", "SOSRI", "DRI1",
    "ImplicitEulerMaruyama", "ImplicitMilstein", "SKenCarp",
)  # fmt: skip
"""One line a method; its file is its name in small letters."""

FOREIGN = {
    "em": "EulerMaruyama", "euler": "EulerMaruyama", "rkmil": "Milstein", "sri": "SRIW1", "srk": "SRIW1",
    "sra": "SRA1",
    "implicitem": "ImplicitEulerMaruyama",
    "issem": "ImplicitEulerMaruyama", "implicitrkmil": "ImplicitMilstein",
}  # fmt: skip
"""Names that other programs use, and the method that does their work here."""

_DEFAULT = {
    "additive": "SOSRA", "diagonal": "SRIW1", "scalar": "SRIW1", "commutative": "Milstein",
    "general": "Milstein",
}  # fmt: skip
"""The method of the highest strong order for each kind of noise, and of the highest weak order among those:
SRIW2 and SOSRI have smaller errors of paths on some equations, but means of order 1.5 alone. Where all orders
are the same, as those of additive noise, SOSRA has the smallest errors (`benchmarks/noise.py --errors`)."""


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


def method_for(method: Any, noise: str, smooth: bool = True, cut: str = "") -> NoiseMethod:
    """The method asked for, or the one for a kind of noise. Where general noise is not smooth, and its
    derivatives may be infinite, and where steps are `cut` short at times that follow the path, for a reason
    in words, that is the method of Euler and Maruyama.

    Raises:
        ValueError: no method has that name, or it does not hold its order, or not even its limit, with such
            noise, or it cannot cut steps short. TypeError: not a method.
    """
    if method is None or (isinstance(method, str) and method.strip().lower() == "auto"):
        return get(_DEFAULT[noise] if (smooth and not cut) or noise != "general" else "EulerMaruyama")
    found = get(method)
    if noise not in found.noise:
        known = " or ".join(sorted(found.noise))
        raise ValueError(
            f"{found.name} is for {known} noise, and this is {noise}: use '{_DEFAULT[noise]}', or give no "
            "method"
        )
    if cut and noise in found.beyond:
        raise ValueError(
            f"{cut}, and the numbers that {found.name} draws "
            f"of {noise} noise are known of whole steps alone: give no method"
        )
    return found
