"""Adjoint equations of a model as a system of their own, with failures explained as all others are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from symde.problem.problem import Problem, with_system
from symde.problem.system import Equation, NonFinite, System
from symde.sensitivity.run import Run


class AdjointSystem:
    """The system of a model's adjoint equations.

    Args:
        base: The model's own system.
        kernels: Those of the equations.
        leading: Names of what the state holds before the derivatives by the states.
    """

    compiled = True
    delays = False
    past_observables: frozenset[str] = frozenset()
    split = False
    nominal = None
    observable_names: tuple[str, ...] = ()

    def __init__(self, base: System, kernels: Any, leading: tuple[str, ...] = ()) -> None:
        self.base, self.kernels = base, kernels
        self.parameter_names = base.parameter_names
        names = (*leading, *(f"dL/d({name})" for name in base.state_names))
        if kernels.n > len(names):
            names += tuple(f"dL/d({name})" for name in base.parameter_names)
            names += ("dL/d(a history)",) * (kernels.n - len(names))
        self.state_names = names
        self.sessions: dict[Any, list[Any]] = {}
        self.plans: Any = None
        self.solved: Any = self

    def equation(self, index: int) -> Equation:
        """The equation that a row is the adjoint of; of an integral there is none."""
        n = len(self.base.state_names)
        if index >= len(self.state_names) - len(self.base.parameter_names) and self.kernels.n > n:
            return Equation(self.state_names[index], "integral of the adjoint equations", "", 0)
        state = self.base.equation(index % n)
        return Equation(self.state_names[index], f"adjoint of: {state.text}", state.file, state.line)

    def non_finite(self, t: float, u: np.ndarray, p: np.ndarray) -> NonFinite | None:
        """Not looked for: the model was solved at these times before."""
        return None

    def slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Not known without the forward solution: zeros."""
        return np.zeros(len(u))

    def unit(self, name: str) -> str | None:
        """The unit a state or parameter was declared with."""
        return self.base.unit(name)

    def take_error(self) -> BaseException | None:
        """Compiled kernels raise nothing."""
        return None


_lock = threading.Lock()


def adjoint_system(system: Any, key: Any, make: Callable[[], AdjointSystem]) -> AdjointSystem:
    """The adjoint equations of a model under a key; the same object for the same key."""
    with _lock:
        known = system.augmented
        if key not in known:
            known[key] = make()
        return known[key]


def adjoint_problem(run: Run, system: AdjointSystem) -> Problem:
    """The problem of the adjoint equations, for messages; the session has its numbers."""
    return with_system(run.problem, system, np.zeros(system.kernels.n))
