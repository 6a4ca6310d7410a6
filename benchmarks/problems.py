"""The problems of the library in tests/problems, as benchmarks want them."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import symde

_TESTS = Path(__file__).resolve().parents[1] / "tests"
_NAMES = {"rober": "rober_1e5"}


@dataclass(frozen=True, slots=True)
class Case:
    """A problem, its end state and the size below which a component counts as small."""

    name: str
    problem: symde.Problem
    reference: np.ndarray
    floor: float


def case(name: str) -> Case:
    """The problem of a name; "rober" means the one to 1e5.

    Raises:
        KeyError: there is none.
    """
    found = _library().get(_NAMES.get(name, name))
    return Case(name, found.problem, found.end, found.floor)


def _library():
    if str(_TESTS) not in sys.path:
        sys.path.append(str(_TESTS))
    return importlib.import_module("problems")
