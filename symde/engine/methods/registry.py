"""The methods by name; a method's file is read when it is first asked for."""

from __future__ import annotations

import difflib
import importlib
import itertools

from symde.engine.jumps import registry as jumps
from symde.engine.methods.method import Described, Method
from symde.engine.noise import registry as noise

NAMES = (
    "Tsit5",
    "Vern6",
    "Vern7",
    "Vern8",
    "Vern9",
    "DOP853",
    "VCABM",
    "DP5",
    "BS3",
    "RK4",
    "Euler",
    "Taylor",
    "Rodas5P",
    "Rodas4",
    "Rosenbrock23",
    "Exprb43",
    "Exprb32",
    "ROCK4",
    "ROCK2",
    "QNDF",
    "FBDF",
    "KenCarp3",
    "KenCarp4",
    "KenCarp5",
    "KenCarp47",
    "KenCarp58",
    "Kvaerno3",
    "Kvaerno4",
    "Kvaerno5",
    "TRBDF2",
    "SymplecticEuler",
    "VelocityVerlet",
    "McAte2",
    "Ruth3",
    "McAte3",
    "McAte4",
    "CandyRoz4",
    "Yoshida6",
    "KahanLi6",
    "KahanLi8",
    "ImplicitMidpoint",
    "GaussLegendre4",
    "GaussLegendre6",
    "DPRKN6",
    "DPRKN8",
    "DPRKN12",
    "RadauIIA5",
    "Radau",
)
"""One line a method; its file is its name in small letters."""

ADDITIVE = "imex"
"""What stands before a name to ask for its additive pair and nothing else, as in "IMEXKenCarp4"."""

FOREIGN = {
    "rk45": "DP5",
    "ode45": "DP5",
    "dopri5": "DP5",
    "rk23": "BS3",
    "ode23": "BS3",
    "adams": "VCABM",
    "vode": "VCABM",
    "ode113": "VCABM",
    "ddeabm": "VCABM",
    "lsoda": "auto",
    "rkc": "ROCK2",
    "heyoka": "Taylor",
    "ode23s": "Rosenbrock23",
    "ode15s": "QNDF",
    "ndf": "QNDF",
    "bdf": "QNDF",
    "cvode": "FBDF",
    "ida": "FBDF",
}
"""Names that other programs use, and the method that does their work here; "auto" is none named."""


def names() -> list[str]:
    """The names of all methods: explicit ones first, then those for stiff equations."""
    return list(NAMES)


def methods() -> list[Method]:
    """All methods, in the order of their names."""
    return [get(name) for name in NAMES]


def get(method: str | Method) -> Method:
    """The method of a name, in letters of either case, the same object each time; a method object is itself.

    Raises:
        ValueError: there is no such method; the nearest names, or else all, are in the message.
        TypeError: neither a name nor a method.
    """
    if isinstance(method, str):
        wanted = method.strip().lower()
        if wanted.startswith(ADDITIVE) and wanted.removeprefix(ADDITIVE) in map(str.lower, NAMES):
            return _additive(method, get(wanted.removeprefix(ADDITIVE)))
        if wanted not in map(str.lower, NAMES):
            raise ValueError(_unknown(method))
        return importlib.import_module(f"symde.engine.methods.{wanted}").METHOD
    # the methods here are known by their class: to try all that a method has takes 0.2 ms
    if isinstance(method, Described | Method):
        return method
    raise TypeError(f"expected a name such as 'Rodas5P' or a method object, found {type(method).__name__}")


def _additive(name: str, half: Method) -> Method:
    pair = getattr(half, "additive", None)
    if pair is None:
        raise ValueError(f"unknown method '{name}': {half.name} is no half of an additive pair")
    return pair


def _unknown(name: str) -> str:
    canonical = {one.lower(): one for one in NAMES}
    wanted = name.strip().lower()
    family = [one for one in canonical if "".join(itertools.takewhile(str.isalpha, one)) == wanted]
    if wanted in FOREIGN:
        nearest = [FOREIGN[wanted].lower()]
    else:
        nearest = family or difflib.get_close_matches(wanted, canonical, n=1)
    if wanted in map(str.lower, jumps.NAMES):
        return f"'{name}' is a method for jump processes: solve symde.Problem(model, kind='jump') with it"
    if wanted in map(str.lower, noise.NAMES):
        return f"'{name}' is a method for equations with noise, `dx = f*dt + g*dW`, and this one has none"
    listed = " or ".join(f"'{canonical.get(one, one)}'" for one in nearest)
    if nearest:
        return f"unknown method '{name}': did you mean {listed}? `symde methods` in a shell tells of all"
    return f"unknown method '{name}': there are {', '.join(NAMES)}"
