"""The families of methods that the batched engine has: one line each."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from symde.engine.batched.control import Tolerance
from symde.engine.batched.equation import Equation
from symde.engine.batched.esdirk import EsdirkStepper
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.rosenbrock import RosenbrockStepper
from symde.engine.batched.step import Stepper

_FAMILIES = {
    "explicit": lambda method, equation, like, *_: ExplicitStepper(method, equation, like),
    "rosenbrock": lambda method, equation, like, *_: RosenbrockStepper(method, equation, like),
    "esdirk": EsdirkStepper,
}

EXAMPLES = {"explicit": "Tsit5 or Vern7", "rosenbrock": "Rodas5P", "esdirk": "KenCarp4"}
"""Methods to name where another family's was asked for."""


def stepper_for(
    method: Any, equation: Equation, like: Tensor, tolerance: Tolerance, tightness: float
) -> Stepper:
    """A method at work on an equation.

    Raises:
        ValueError: the engine does not have the method's family.
    """
    check_family(method)
    return _FAMILIES[method.family](method, equation, like, tolerance, tightness)


def check_family(method: Any) -> None:
    """Refuse a method whose family the engine does not have.

    Raises:
        ValueError: it has not.
    """
    if method.family not in _FAMILIES:
        raise ValueError(
            f"{method.name} is no method of the torch engine, which has explicit Runge-Kutta, Rosenbrock and "
            f"ESDIRK methods: use {', '.join(EXAMPLES.values())}, or backend='cpu'"
        )


def is_implicit(method: Any) -> bool:
    """Whether a method solves linear systems."""
    return method.family != "explicit"
