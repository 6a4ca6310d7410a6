"""The families of methods by name; a family's file is read when it is first asked for."""

from __future__ import annotations

import importlib

from symde.engine.cpu.family import Family

NAMES = (
    "explicit",
    "explicit_two_estimates",
    "adams",
    "radau",
    "rosenbrock",
    "exponential",
    "stabilised",
    "bdf",
    "taylor",
    "esdirk",
    "additive",
    "symplectic",
    "nystrom",
    "gauss",
)
"""One line a family; its file is its name."""


def get(name: str) -> Family:
    """The family of a name.

    Raises:
        ValueError: there is none.
    """
    if name not in NAMES:
        raise ValueError(f"unknown family of methods '{name}': there are {', '.join(NAMES)}")
    return importlib.import_module(f"symde.engine.cpu.families.{name}").FAMILY
