"""Models of the tests of continuous adjoints, with gradients by forward sensitivities at tight tolerance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import symde
from tests.problems import get

TIMED_LOTKA = """
model TimedLotka "Lotka-Volterra with a season"
  param a = 1.5, b = 1, d = 3, g = 1, w = 0.7
  state x = 1, y = 1
  time 0 .. 10
  dx = a*x*(1 + 0.1*sin(w*t)) - b*x*y
  dy = -d*y + g*x*y
end
"""


def generalised_lotka_volterra(n: int) -> str:
    """n species, each with a growth rate and an effect on every species: n + n*n parameters."""
    random = np.random.default_rng(1)
    r = 0.5 + random.random(n)
    a = 0.1 * random.standard_normal((n, n))
    a[np.arange(n), np.arange(n)] = -1 - random.random(n)
    start = 0.2 + 0.8 * random.random(n)
    lines = ["model Network", "  param " + ", ".join(f"r{i}={r[i]:.6f}" for i in range(n))]
    for i in range(n):
        lines.append("  param " + ", ".join(f"a{i}_{j}={a[i, j]:.6f}" for j in range(n)))
    lines.append("  state " + ", ".join(f"x{i}={start[i]:.6f}" for i in range(n)))
    lines.append("  time 0 .. 10")
    for i in range(n):
        total = " + ".join(f"a{i}_{j}*x{j}" for j in range(n))
        lines.append(f"  dx{i} = x{i}*(r{i} + {total})")
    return "\n".join([*lines, "end", ""])


@dataclass(frozen=True)
class Subject:
    """A problem to differentiate.

    Attributes:
        problem: The problem.
        saveat: Times that enter the loss.
        floor: Size below which a state counts as small: atol over rtol.
        methods: Methods that solve it.
        accurate: Method of the reference.
    """

    problem: Any
    saveat: Any
    floor: float
    methods: tuple[str | None, ...]
    accurate: str


@cache
def subject(name: str) -> Subject:
    """The subject of a name."""
    if name == "lotka":
        problem = symde.Problem(symde.ode_def(TIMED_LOTKA))
        return Subject(problem, 1.0, 1.0, ("Tsit5", "Vern7", "Rodas5P", "QNDF", None), "Vern9")
    if name == "network":
        problem = symde.Problem(symde.ode_def(generalised_lotka_volterra(10)))
        return Subject(problem, 1.0, 1.0, ("Tsit5", "Vern7", "Rodas5P"), "Vern9")
    if name == "hires":
        times = [0.0, 10.0, 100.0, 300.0]  # a loss that ends before the span does
        return Subject(get("hires").problem, times, 1e-4, ("Rodas5P", "QNDF", None), "Rodas5P")
    times = [1.0, 1e3, 1e5]
    return Subject(get("rober_1e5").problem, times, 1e-8, ("Rodas5P", "QNDF", "KenCarp4", None), "Rodas5P")


def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
    """A sum in which every saved value has its own weight."""
    weights = np.cos(np.arange(u.size)).reshape(u.shape)
    return float((weights * u).sum()), weights


def gradient(name: str, method: str | None, sensealg: str, rtol: float, **options: Any) -> Any:
    """The gradient of `loss`."""
    case = subject(name)
    options = {"saveat": case.saveat, "atol": rtol * case.floor, **options}
    return symde.value_and_grad(loss, case.problem, method, sensealg=sensealg, rtol=rtol, **options)[1]


@cache
def reference(name: str) -> Any:
    """The gradient by forward sensitivities at rtol 1e-12."""
    return gradient(name, subject(name).accurate, "forward", 1e-12)


def distance(name: str, found: Any) -> float:
    """Largest error of a gradient, each derivative times the size of what it is by, over the largest such."""
    case, exact = subject(name), reference(name)
    sizes = {"p": np.abs(case.problem.p), "u0": np.maximum(np.abs(case.problem.u0), case.floor)}
    return max(
        float(np.max(sizes[k] * np.abs(found[k] - exact[k])) / np.max(sizes[k] * np.abs(exact[k])))
        for k in ("p", "u0")
    )
