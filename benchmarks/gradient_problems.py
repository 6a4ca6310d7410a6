"""Problems whose gradients are compared: a model, what is saved, a loss, and the reference of its gradient.

The loss is the same for all: half the sum over 100 saved times and all states of (u/scale)², with `scale`
the largest size of a state over the saved times and not less than the problem's floor. It is differentiated
by all parameters.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

import symde
from benchmarks.problems import library

TIMES = 100


@dataclass(frozen=True, slots=True, eq=False)
class GradientCase:
    """A problem, a loss and its gradient.

    Attributes:
        name: Name.
        problem: The problem; its initial values and its span do not follow its parameters.
        times: Saved times, shape (100,), the end the last.
        scale: Sizes of the states in the loss, shape (n,).
        floor: Absolute tolerance over relative tolerance.
        stiff: Whether an explicit method only crawls.
        reference: The gradient, shape (m,).
        spread: How far apart its two computations were.
    """

    name: str
    problem: symde.Problem
    times: np.ndarray
    scale: np.ndarray
    floor: float
    stiff: bool
    reference: np.ndarray
    spread: float

    def loss(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of saved states, shape (n_times, n), and its derivative by them."""
        scaled = u / self.scale
        return 0.5 * float(np.vdot(scaled, scaled)), scaled / self.scale

    def error(self, gradient: np.ndarray) -> float:
        """max |p (g - ref)| / max |p ref|: every parameter by what its own size does to the loss."""
        p = self.problem.p
        return float(np.max(np.abs(p * (gradient - self.reference))) / np.max(np.abs(p * self.reference)))


LOTKA_SEASONS = """
model LotkaVolterraSeasons "predator and prey whose growth follows the seasons"
  param a = 1.5, b = 1, d = 3, g = 1
  state x = 1, y = 1
  time 0 .. 10

  dx = a*(1 + 0.3*sin(2*t))*x - b*x*y
  dy = -d*y + g*x*y
end
"""

HIRES_CONSTANTS = """
model Hires "Schäfer (1975), its 12 rate constants as parameters"
  param k1 = 1.71, k2 = 0.43, k3 = 8.32, k4 = 8.75, k5 = 10.03, k6 = 0.035
  param k7 = 1.12, k8 = 1.745, k9 = 0.69, k10 = 1.81, k = 280, source = 0.0007
  state y1 = 1, y2 = 0, y3 = 0, y4 = 0, y5 = 0, y6 = 0, y7 = 0, y8 = 0.0057
  time 0 .. 321.8122

  dy1 = -k1*y1 + k2*y2 + k3*y3 + source
  dy2 = k1*y1 - k4*y2
  dy3 = -k5*y3 + k2*y4 + k6*y5
  dy4 = k3*y2 + k1*y3 - k7*y4
  dy5 = -k8*y5 + k2*y6 + k2*y7
  dy6 = -k*y6*y8 + k9*y4 + k1*y5 - k2*y6 + k9*y7
  dy7 = k*y6*y8 - k10*y7
  dy8 = -k*y6*y8 + k10*y7
end
"""


def generalised_lotka(species: int) -> str:
    """x_i' = x_i (r_i + sum_j a_ij x_j): competing species with n + n² parameters, drawn once for all."""
    chance, everyone = random.Random(species), range(species)
    lines = [f'model GeneralisedLotkaVolterra{species} "species that compete"']
    for i in everyone:
        rates = [f"r{i} = {chance.uniform(0.5, 1.5):.3f}"]
        for j in everyone:
            rates.append(f"a{i}_{j} = {-1.0 if i == j else chance.uniform(-0.25, 0.1):.3f}")
        lines.append(f"  param {', '.join(rates)}")
    lines.append("  state " + ", ".join(f"x{i} = {chance.uniform(0.2, 1.5):.3f}" for i in everyone))
    lines.append("  time 0 .. 10")
    for i in everyone:
        lines.append(f"  x{i}' = x{i}*(r{i} + {' + '.join(f'a{i}_{j}*x{j}' for j in everyone)})")
    return "\n".join([*lines, "end"])


def brusselator(points: int) -> str:
    """Brusselator with diffusion on points x points places, periodic, with parameters of its own at every
    place: 2 n² states and 4 n² parameters.

    The source of the original starts at t = 1.1, after the end, and is left out.
    Source: Ma, Dixit, Innes, Guo, Rackauckas, A comparison of automatic differentiation and continuous
    sensitivity analysis for derivatives of differential equation solutions, IEEE HPEC (2021), as run in
    SciMLBenchmarks, BrussScaling.
    """
    places = [(i, j) for j in range(points) for i in range(points)]
    lines = ["model BrusselatorPlaces"]
    for i, j in places:
        names = {"A": 3.4, "B": 1.0, "du": 10.0, "dv": 10.0}
        lines.append("  param " + ", ".join(f"{name}{i}_{j} = {value}" for name, value in names.items()))
    for i, j in places:
        x, y = f"({i}/{points - 1})", f"({j}/{points - 1})"
        lines.append(f"  state u{i}_{j} = 22*({y}*(1 - {y}))^1.5, v{i}_{j} = 27*({x}*(1 - {x}))^1.5")
    lines.append("  time 0 .. 1")
    for i, j in places:
        near = [f"{(i + a) % points}_{(j + b) % points}" for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        spread = {
            w: f"d{w}{i}_{j}*({' + '.join(w + place for place in near)} - 4*{w}{i}_{j})*{(points - 1) ** 2}"
            for w in "uv"
        }
        u, v, A = f"u{i}_{j}", f"v{i}_{j}", f"A{i}_{j}"
        lines.append(f"  {u}' = B{i}_{j} + {u}^2*{v} - ({A} + 1)*{u} + {spread['u']}")
        lines.append(f"  {v}' = {A}*{u} - {u}^2*{v} + {spread['v']}")
    return "\n".join([*lines, "end"])


@dataclass(frozen=True, slots=True)
class _Made:
    """How a case is made.

    Attributes:
        text: Writes the model.
        stiff, floor: As in `GradientCase`.
        first: First saved time where the times lie logarithmically; None for even times.
    """

    text: Callable[[], str]
    stiff: bool
    floor: float
    first: float | None = None


CASES = {
    "lotka_seasons": _Made(lambda: LOTKA_SEASONS, False, 1.0),
    "rober": _Made(lambda: library("problems.rober").TEXT, True, 1e-6, 0.4),
    "hires_12": _Made(lambda: HIRES_CONSTANTS, True, 1e-4),
    "pollu": _Made(lambda: library("problems.pollu").TEXT, True, 1e-6),
    "lotka_10": _Made(lambda: generalised_lotka(10), False, 1.0),
    "lotka_14": _Made(lambda: generalised_lotka(14), False, 1.0),
    **{f"brusselator_{n}": _Made(lambda n=n: brusselator(n), True, 1.0) for n in range(2, 18)},
}

DEFAULT = (
    "lotka_seasons", "rober", "hires_12", "pollu", "lotka_10", "lotka_14",
    "brusselator_2", "brusselator_3", "brusselator_5", "brusselator_8",
)  # fmt: skip


def loose_case(name: str, points: int = TIMES) -> GradientCase:
    """The case of a name without a reference, which is zeros.

    Args:
        name: Name of the case.
        points: Saved times; with one it is the end.

    Raises:
        KeyError: there is none.
    """
    made = CASES[name]
    problem = symde.Problem(symde.ode_def(made.text()))
    t0, t1 = problem.tspan
    times = np.linspace(t0, t1, points + 1)[1:]
    if made.first is not None and points > 1:
        times = np.geomspace(made.first, t1, points)
        times[-1] = t1
    method = "Rodas5P" if made.stiff else "Vern9"
    found = symde.solve(problem, method, rtol=1e-10, atol=1e-10 * made.floor, saveat=times)
    scale = np.maximum(made.floor, np.abs(found.u).max(axis=0))
    return GradientCase(name, problem, times, scale, made.floor, made.stiff, np.zeros(len(problem.p)), 0.0)


@cache
def gradient_case(name: str) -> GradientCase:
    """The case of a name.

    Raises:
        KeyError: there is none. RuntimeError: the two computations of its reference are not close.
    """
    loose = loose_case(name)
    methods = ("Rodas5P", "Rodas4") if loose.stiff else ("Vern9", "Vern7")
    first, second = (_tight(loose, *how) for how in zip(("forward", "discrete"), methods, strict=True))
    case = replace(loose, reference=first)
    spread = case.error(second)
    if not spread < 1e-8:
        raise RuntimeError(f"{name}: the two computations of the reference are {spread:.1e} apart")
    return replace(case, spread=spread)


def _tight(case: GradientCase, strategy: str, method: str) -> np.ndarray:
    rtol = 1e-12 if strategy == "forward" else 1e-11
    _, gradient = symde.value_and_grad(
        case.loss, case.problem, method, wrt="p", saveat=case.times, sensealg=strategy,
        rtol=rtol, atol=rtol * case.floor, max_steps=10**6,
    )  # fmt: skip
    return gradient["p"]
