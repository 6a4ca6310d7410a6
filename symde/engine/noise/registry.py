"""The methods for stochastic differential equations by name, and which one a kind of noise gets."""

from __future__ import annotations

from typing import Any

from symde.engine.named import NamedMethods
from symde.engine.noise.method import NoiseMethod

NAMES = (
    "EulerMaruyama", "Milstein", "SRA1", "SRA2", "SRA3", "SOSRA", "SRIW1", "SRIW2", "SOSRI", "DRI1",
    "ImplicitEulerMaruyama", "ImplicitMilstein", "SKenCarp", "SPaRK",
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


_ADAPTIVE = {"commutative": "SPaRK", "general": "SPaRK"}
"""The same of steps that follow the error, where it is another one."""


def _default(noise: str, smooth: bool, cut: str, adaptive: bool) -> str:
    if adaptive:
        return _ADAPTIVE.get(noise, _DEFAULT[noise]) if smooth else "EulerMaruyama"
    return _DEFAULT[noise] if (smooth and not cut) or noise != "general" else "EulerMaruyama"


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


def is_auto(method: Any) -> bool:
    """Whether a method is left to be chosen."""
    return method is None or isinstance(method, str) and method.strip().lower() == "auto"


def method_for(
    method: Any, noise: str, smooth: bool = True, cut: str = "", adaptive: bool = False
) -> NoiseMethod:
    """The method asked for, or the one for a kind of noise. Where general noise is not smooth, and its
    derivatives may be infinite, and where steps are `cut` short at times that follow the path, for a reason
    in words, that is the method of Euler and Maruyama; so it is where steps are `adaptive` and the noise is
    not smooth.

    Raises:
        ValueError: no method has that name, or it does not hold its order, or not even its limit, with such
            noise, or it cannot cut steps short. TypeError: not a method.
    """
    if is_auto(method):
        return get(_default(noise, smooth, cut, adaptive))
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
