"""The steps of a method, by the entry of its loop in the compiled engine: one line a family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from symde.engine.batched.paths.implicit import ImplicitEulerMaruyama, ImplicitMilstein, ImplicitSra
from symde.engine.batched.paths.milstein import Milstein
from symde.engine.batched.paths.runge_kutta import Sra, Sri
from symde.engine.batched.paths.space_time import SpaceTime
from symde.engine.batched.paths.steps import EulerMaruyama, Stepper
from symde.engine.batched.paths.weak import Ri
from symde.engine.noise.method import NoiseMethod

STEPPERS: dict[str, Callable[[Any, NoiseMethod, int, torch.device], Stepper]] = {
    "euler_maruyama": EulerMaruyama,
    "milstein": Milstein,
    "sra": Sra,
    "sri": Sri,
    "ri": Ri,
    "space_time": SpaceTime,
    "implicit_euler_maruyama": ImplicitEulerMaruyama,
    "implicit_milstein": ImplicitMilstein,
    "implicit_sra": ImplicitSra,
}


def stepper_of(equation: Any, method: NoiseMethod, n: int, device: torch.device) -> Stepper:
    """The steps of a method.

    Raises:
        ValueError: the torch engine does not have it.
    """
    make = STEPPERS.get(method.entry)
    if make is None:
        raise ValueError(f"the torch engine does not have {method.name}: solve with backend='cpu'")
    return make(equation, method, n, device)
