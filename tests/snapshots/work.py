"""What is solved, and what of its work is kept."""

from __future__ import annotations

import json
from pathlib import Path

import symde
from symde.engine.methods import registry
from symde.engine.methods.method import Method
from tests.problems import get

FILE = Path(__file__).with_name("work.json")
RTOL, ATOL = 1e-6, 1e-8
COUNTS = ("accepted", "rejected", "evaluations", "jacobians", "factorisations", "iterations")
NONSTIFF = ("lotka", "lorenz", "pleiades")
STIFF = ("rober_1e5", "hires", "orego", "pollu", "vanderpol_1e3", "brusselator")
MILDLY_STIFF = ("brusselator",)
NUDGES = [k * 1e-13 for k in range(-8, 9)]
"""Relative changes of rtol as small as rounding. Some solves are chaotic in it: QNDF on rober_1e5 took 665
to 753 evaluations, where most others take the same number each time."""

Counts = dict[str, list[int]]
Work = dict[str, dict[str, Counts]]
FAMILIES = {
    "explicit": NONSTIFF,
    "explicit_two_estimates": NONSTIFF,
    "adams": NONSTIFF,
    "taylor": NONSTIFF,
    "nystrom": ("kepler",),
    "symplectic": ("kepler",),
    "gauss": ("kepler",),
    # without linear systems to solve, their work grows with stiffness
    "stabilised": MILDLY_STIFF,
    "exponential": MILDLY_STIFF,
}
"""What the methods of a family are for; those not named here are for stiff problems."""

KEPLER_STEP = 2**-7
KEPLER = """
model Kepler
  param e = 0.6
  state x = 1 - e, y = 0, u = 0, v = sqrt((1 + e)/(1 - e))
  time 0 .. 2*pi
  hamiltonian H = (u^2 + v^2)/2 - 1/sqrt(x^2 + y^2) for (x, u), (y, v)
end
"""


def problems(method: Method) -> tuple[str, ...]:
    """Names of the problems a method is measured on; methods that keep their step only where it is theirs."""
    names = FAMILIES.get(method.family, STIFF)
    return names if method.adaptive or names == ("kepler",) else ()


def pairs() -> list[tuple[Method, str]]:
    """All methods and problems, in the order of the registry."""
    return [(method, name) for method in registry.methods() for name in problems(method)]


def measure(method: Method, name: str, nudge: float = 0.0) -> dict[str, int]:
    """The counts of one solve, its relative tolerance multiplied by 1 + nudge."""
    problem = symde.Problem(symde.ode_def(KEPLER)) if name == "kepler" else get(name).problem
    step = None if method.adaptive else KEPLER_STEP
    stats = symde.solve(problem, method, rtol=RTOL * (1 + nudge), atol=ATOL, dt0=step, dense=False).stats
    return {count: getattr(stats, count) for count in COUNTS}


def spread(method: Method, name: str) -> Counts:
    """Least and most of each count over solves that differ in rounding alone."""
    runs = [measure(method, name, nudge) for nudge in NUDGES]
    return {count: [min(run[count] for run in runs), max(run[count] for run in runs)] for count in COUNTS}


def read() -> Work:
    """The work kept, by method and problem."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def write(work: Work) -> None:
    """Keep work, one problem a line so that a change shows as one."""
    methods = []
    for method, problems in work.items():
        lines = [f"    {json.dumps(name)}: {json.dumps(counts)}" for name, counts in problems.items()]
        methods.append(f"  {json.dumps(method)}: {{\n" + ",\n".join(lines) + "\n  }")
    FILE.write_text("{\n" + ",\n".join(methods) + "\n}\n", encoding="utf-8")
