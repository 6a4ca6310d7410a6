"""The problems of the library in tests/problems, and larger ones, as benchmarks want them."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import symde
from benchmarks.networks import network

_TESTS = Path(__file__).resolve().parents[1] / "tests"
_NAMES = {"rober": "rober_1e5"}


@dataclass(frozen=True, slots=True)
class Case:
    """A problem, its end state and the size below which a component counts as small."""

    name: str
    problem: symde.Problem
    reference: np.ndarray
    floor: float


@cache
def case(name: str) -> Case:
    """The problem of a name; "rober" means the one to 1e5.

    Raises:
        KeyError: there is none.
    """
    if name in LARGE:
        return _large(name, LARGE[name])
    found = library("problems").get(_NAMES.get(name, name))
    return Case(name, found.problem, found.end, found.floor)


def library(module: str):
    """A module of the tests, such as "problems.rober"."""
    if str(_TESTS) not in sys.path:
        sys.path.append(str(_TESTS))
    return importlib.import_module(module)


@dataclass(frozen=True, slots=True)
class _Large:
    """How to make a large problem and its reference.

    Attributes:
        text: Writes the model.
        methods: Two methods for the reference.
        ends: Last times before its right-hand side jumps.
    """

    text: Callable[[], str]
    methods: tuple[str, str]
    ends: tuple[float, ...] = ()


LARGE = {
    "akzo_400": _Large(lambda: library("problems.akzo").text(200), ("Rodas5P", "Radau"), (5.0,)),
    "fput_200": _Large(lambda: library("problems.fput").text(100), ("Vern9", "DPRKN12")),
    "brusselator_2048": _Large(
        lambda: library("problems.brusselator2d").text(32),
        ("Rodas5P", "KenCarp58"),
        (math.nextafter(1.1, 0),),
    ),
    "network_1000": _Large(lambda: network(1000), ("Vern9", "DOP853")),
}


def _large(name: str, large: _Large) -> Case:
    """A problem whose reference is computed here, by two methods that must agree to 1e-9."""
    problem = symde.Problem(symde.ode_def(large.text()))
    first, second = (_tight(problem, method, large.ends) for method in large.methods)
    apart = float(np.max(np.abs(first - second) / (1 + np.abs(first))))
    if not apart < 1e-9:
        raise RuntimeError(f"{name}: the references of {large.methods} are {apart:.1e} apart")
    return Case(name, problem, first, 1.0)


def _tight(problem: symde.Problem, method: str, breaks: tuple[float, ...]) -> np.ndarray:
    t0, t1 = problem.tspan
    u, start = problem.u0, t0
    for end in (*breaks, t1):
        part = symde.remake(problem, u0=list(u), tspan=(start, end))
        u = symde.solve(part, method, rtol=1e-12, atol=1e-12, saveat=[end]).u[-1]
        start = float(np.nextafter(end, np.inf))
    return u
