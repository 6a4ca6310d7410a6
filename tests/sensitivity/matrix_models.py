"""Models of the matrix of gradients: each as text, and once more in numpy for what symde takes no part in.

A running cost is the integral that `symde.with_integral` puts behind the states, so that one solve serves the
costs of the end, of the way and of saved points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import sympy

import symde
from tests.problems import get

from .forward_models import HIRES
from .frozen import Model
from .networks import TIMED_LOTKA, generalised_lotka_volterra

Slope = Callable[[Any, Any, Any], list[Any]]
"""(u, p, t) to the derivatives of the states and then the integrand of the running cost."""


@dataclass(frozen=True)
class Equations:
    """A right-hand side and its derivatives in numpy, for any floating type; arguments are (t, u, p).

    Attributes:
        f, jacobian, by_parameters, by_time: Shapes (n,), (n, n), (n, m), (n,).
        moved: f and its derivative along directions s of the states and d of the parameters, shape (2n,), of
            (t, u, p, s, d); u and s may have a second axis.
    """

    f: Callable[..., np.ndarray]
    jacobian: Callable[..., np.ndarray]
    by_parameters: Callable[..., np.ndarray]
    by_time: Callable[..., np.ndarray]
    moved: Callable[..., np.ndarray]


@dataclass(frozen=True)
class Subject:
    """A model of the matrix.

    Attributes:
        text: For symde, without the running cost.
        cost: Integrand of the running cost, as text; None: none, where it would be no second-order equation.
        slope: All of it in numpy, written apart from the text.
        times: Saved times, the end last.
        floor: Size below which a state counts as small: atol over rtol.
        fixed: Step of methods without an error estimate.
        positions: Which states are positions, where they are halves.
    """

    text: str
    cost: str | None
    slope: Slope
    times: tuple[float, ...]
    floor: float
    fixed: float = 0.025
    positions: tuple[bool, ...] | None = None

    @cached_property
    def problem(self) -> Any:
        """The problem, with the running cost as the last state."""
        problem = symde.Problem(symde.ode_def(self.text), tspan=(0.0, self.times[-1]))
        return problem if self.cost is None else symde.with_integral(problem, cost=self.cost)

    @cached_property
    def costs(self) -> dict[str, np.ndarray]:
        """Weights of the saved states, shape (n_times, n): of the end, of the integral, and of all points, in
        which every saved value has its own."""
        shape = len(self.times), len(self.problem.u0)
        n = shape[1] - (self.cost is not None)
        own = np.cos(np.arange(shape[0] * n)).reshape(shape[0], n)
        weights = {"end": np.zeros(shape), "saved points": np.zeros(shape)}
        weights["end"][-1, :n], weights["saved points"][:, :n] = own[-1], own
        if self.cost is not None:
            weights["running"] = np.zeros(shape)
            weights["running"][-1, -1] = 1.0
        return weights

    @cached_property
    def sizes(self) -> np.ndarray:
        """What initial values and then parameters are thought to change by, shape (n + m,); of the integral,
        which is 0 at the start whatever is asked, nothing."""
        u0 = np.maximum(np.abs(self.problem.u0), self.floor)
        if self.cost is not None:
            u0[-1] = 0.0
        return np.concatenate([u0, np.abs(self.problem.p)])

    @cached_property
    def equations(self) -> Equations:
        """The right-hand side with its derivatives, by sympy."""
        n, m = len(self.problem.u0), len(self.problem.p)
        t, u, p = sympy.Symbol("t"), symbols("u", n), symbols("p", m)
        s, d = symbols("s", n), symbols("d", m)
        f = sympy.Matrix(self.slope(u, p, t))
        jacobian, by_parameters = f.jacobian(u), f.jacobian(p)
        moved = f.col_join(jacobian * sympy.Matrix(s) + by_parameters * sympy.Matrix(d))
        return Equations(
            _function((t, u, p), f),
            _function((t, u, p), jacobian),
            _function((t, u, p), by_parameters),
            _function((t, u, p), f.diff(t)),
            _function((t, u, p, s, d), moved),
        )

    @cached_property
    def frozen(self) -> Model:
        """For solves in plain Python with given steps."""
        one = self.equations
        positions = None if self.positions is None else np.array(self.positions)
        return Model(self.text, one.f, one.jacobian, one.by_time, positions)


def symbols(name: str, count: int) -> list[sympy.Symbol]:
    """Symbols with numbers."""
    return [sympy.Symbol(f"{name}{i}") for i in range(count)]


def _function(arguments: tuple[Any, ...], matrix: Any) -> Callable[..., np.ndarray]:
    """A matrix of expressions as a numpy function; columns come without their second axis."""
    rows, columns = matrix.shape
    entries = sympy.lambdify(arguments, list(matrix), modules="numpy", cse=True)
    shape = (rows,) if columns == 1 else (rows, columns)

    def call(*values: Any) -> np.ndarray:
        more = np.shape(values[1])[1:]
        found = [np.broadcast_to(entry, more) for entry in entries(*values)] if more else entries(*values)
        return np.array(found).reshape(shape + more)

    return call


def lotka(u: Any, p: Any, t: Any) -> list[Any]:
    """Predator and prey, whose growth follows the year."""
    (x, y, _), (a, b, d, g, w) = u, p
    sin, cos = (sympy.sin, sympy.cos) if isinstance(t, sympy.Symbol) else (np.sin, np.cos)
    return [a * x * (1 + 0.1 * sin(w * t)) - b * x * y, g * x * y - d * y, a * (x - 1) ** 2 * cos(t) + y]


def hires(u: Any, p: Any, t: Any) -> list[Any]:
    """A linear network, one source, and one reaction of two substances."""
    y1, y2, y3, y4, y5, y6, y7, y8, _ = u
    k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12 = p
    bound, freed = k10 * y6 * y8, k12 * y7
    return [
        k4 + k2 * y2 + k3 * y3 - k1 * y1,
        k1 * y1 - k5 * y2,
        k2 * y4 + k7 * y5 - k6 * y3,
        k3 * y2 + k1 * y3 - k8 * y4,
        k2 * (y6 + y7) - k9 * y5,
        k11 * (y4 + y7) + k1 * y5 - k2 * y6 - bound,
        bound - freed,
        freed - bound,
        k1 * y1 + y5**2 + y7,
    ]


def rober(u: Any, p: Any, t: Any) -> list[Any]:
    """A -> B, 2 B -> C + B, B + C -> A + C."""
    (y1, y2, y3, _), (k1, k2, k3) = u, p
    slow, fast, back = k1 * y1, k2 * y2 * y2, k3 * y2 * y3
    return [back - slow, slow - back - fast, fast, slow + y1 * y3 / 1000]


def network(u: Any, p: Any, t: Any) -> list[Any]:
    """Ten species, each with a growth rate and an effect on every one."""
    x, rates, effects = u[:10], p[:10], np.reshape(np.array(p[10:]), (10, 10))
    growth = [
        r + sum(a * y for a, y in zip(row, x, strict=True)) for r, row in zip(rates, effects, strict=True)
    ]
    return [*(a * b for a, b in zip(x, growth, strict=True)), p[1] * x[0] * x[3] + x[9] ** 2]


SPRINGS = """
model Springs "two masses on springs that are bent and shaken: positions and momenta"
  param k = 1.5, m = 1.2, e = 0.3
  state q = 1, p = 0.2, r = 0.5, s = -0.1
  time 0 .. 6
  dq = p/m
  dr = s
  dp = -k*q - e*q*r - 0.1*sin(q + t)
  ds = -r - e*q^2/2
end
"""


def springs(u: Any, p: Any, t: Any) -> list[Any]:
    """Momenta move positions, positions momenta."""
    (q, momentum, r, s), (k, m, e) = u, p
    sin = sympy.sin if isinstance(t, sympy.Symbol) else np.sin
    return [momentum / m, -q * (k + e * r) - 0.1 * sin(q + t), s, -r - e * q * q / 2]


@cache
def subject(name: str) -> Subject:
    """The subject of a name."""
    return {
        "lotka": lambda: Subject(TIMED_LOTKA, "a*(x - 1)^2*cos(t) + y", lotka, (2.5, 7.1, 10.0), 1.0),
        "hires": lambda: Subject(HIRES, "k1*y1 + y5^2 + y7", hires, (10.0, 300.0, 321.8122), 1e-4),
        "rober": lambda: Subject(get("rober_1e5").text, "k1*y1 + y1*y3/1000", rober, (1.0, 1e3, 1e5), 1e-8),
        "network": lambda: Subject(
            generalised_lotka_volterra(10), "r1*x0*x3 + x9^2", network, (0.4, 1.0, 2.0), 1.0
        ),
        "springs": lambda: Subject(
            SPRINGS, None, springs, (0.0, 2.3, 6.0), 1.0, positions=(True, False, True, False)
        ),
    }[name]()


NAMES = ("lotka", "hires", "rober", "network", "springs")
