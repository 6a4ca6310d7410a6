"""A model whose M u' = f has been solved for derivatives as far as M allows: the same solutions, and no
parameter in M that is differentiated by."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np

from symde.constraints import Constraints
from symde.plan import plan_like
from symde.problem.problem import of_system
from symde.sensitivity.constrained import refuse_zero_mass
from symde.sensitivity.run import Run
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Wrt


class DividedSystem:
    """The system of a model with the kernels of its equations solved for derivatives; else it is the model's.

    Args:
        base: The model's own system.
        kernels: Those of `ModelKernels.for_parameters`.
    """

    def __init__(self, base: Any, kernels: Any) -> None:
        self.base, self.kernels = base, kernels
        self.adjoint_kernels = kernels.adjoint
        self.sessions: dict[Any, list[Any]] = {}
        self.augmented: dict[Any, Any] = {}
        self.plans: Any = None
        self.solved: Any = self
        self.constraints = Constraints(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.base, name)


_lock = threading.Lock()


def moved_parameters(run: Run, wrt: Wrt) -> tuple[int, ...]:
    """The parameters that change with those that are differentiated by, themselves included."""
    moved = start_of(run.problem).parameters[:, list(wrt.parameters)].any(axis=1)
    return tuple(np.flatnonzero(moved).tolist())


def without_parameters_in_mass(run: Run, wrt: Wrt) -> Run:
    """The run with equations whose M reads no parameter that is differentiated by: itself, where it does not.

    Raises:
        ValueError: there are none, with what to do.
    """
    system: Any = run.problem.system
    if not system.kernels.mass:
        return run
    parameters = moved_parameters(run, wrt)
    refuse_zero_mass(system, run.problem.p, parameters)
    kernels = system.kernels.for_parameters(parameters)
    if kernels is system.kernels:
        return run
    with _lock:
        divided = system.augmented.get("divided")
        if divided is None:
            divided = system.augmented["divided"] = DividedSystem(system, kernels)
    return replace(run, problem=of_system(run.problem, divided), plan=plan_like(run.plan, divided))
