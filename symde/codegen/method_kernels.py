"""Whole steps of methods as kernels of a model, made when first asked for.

The method's numbers are constants of the code; steps are of one member or of several side by side, with
delayed values or without.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from symde.codegen.delay_graph import DelayGraph
from symde.codegen.delay_steps import DelayedKernel, delayed_interpolant, delayed_step, fused_step
from symde.codegen.half_steps import nystrom_step, splitting_step
from symde.codegen.lane_steps import LANES, lane_kernels
from symde.codegen.llvm import ir_module
from symde.codegen.lu import StaticLU
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.radau_iteration import radau_guess, radau_iteration
from symde.codegen.steps import STATES_LIMIT, explicit_step, rosenbrock_step
from symde.codegen.taylor_kernel import TaylorKernel, taylor_kernel
from symde.native import load_ir


class MethodKernels(ABC):
    """The whole steps of one model.

    Args:
        n: Number of states.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._steps: dict[tuple[Any, int], int] = {}
        self._lanes: dict[Any, tuple[int, int, int]] = {}
        self._collocations: dict[tuple[Any, int], tuple[int, int]] = {}
        self._made: dict[Any, Any] = {}
        self._lock = threading.RLock()

    @property
    @abstractmethod
    def model_graph(self) -> ModelGraph:
        """The model's graph with its derivatives."""

    @property
    @abstractmethod
    def lu_plan(self) -> StaticLU | None:
        """The generated factorisation, None where it would be too long."""

    @property
    @abstractmethod
    def complex_lu_length(self) -> int:
        """Length of the vector `lu` with a complex shift; 0 where there is none."""

    def _once(self, name: Any, make: Callable[[], Any]) -> Any:
        # Not functools.cached_property: until Python 3.12 it holds a lock of its own, and two threads that
        # take that one and this object's in opposite order wait for ever.
        if name not in self._made:
            with self._lock:
                if name not in self._made:
                    self._made[name] = make()
        return self._made[name]

    def step_address(self, method: Any, padded: int) -> int:
        """The address of a whole step of a method as one kernel, 0 where the general step serves as well.

        Args:
            method: A method, its numbers as attributes; only Rosenbrock, explicit Runge-Kutta, Nystrom and
                splitting methods have whole steps.
            padded: Length of a stage vector as the caller keeps it.
        """
        key = (method, padded)
        with self._lock:
            if key not in self._steps:
                self._steps[key] = self._step(method, padded)
            return self._steps[key]

    def _step(self, method: Any, padded: int) -> int:
        if self.n > STATES_LIMIT:
            return 0
        if method.family in ("explicit", "explicit_two_estimates"):
            kernel = explicit_step(self.model_graph, method, method.fsal, padded)
        elif method.family == "symplectic":
            kernel = splitting_step(self.model_graph, method, padded)
        elif method.family == "nystrom":
            kernel = nystrom_step(self.model_graph, method, padded)
        elif method.family == "radau":
            return self.collocation_addresses(method.tables[0], padded)[1]
        elif method.family == "rosenbrock" and self.lu_plan is not None:
            kernel = rosenbrock_step(self.model_graph, self.lu_plan, method, padded)
        else:
            return 0
        return 0 if kernel is None else load_ir(ir_module([kernel])).address(kernel.name)

    def delayed_step(self, method: Any, padded: int) -> DelayedKernel | None:
        """A whole step of a method that reads rows of delayed values, None where the general step serves."""
        graph = self._delay_graph
        return self._once(
            ("delayed_step", method, padded),
            lambda: delayed_step(graph, lambda: self.lu_plan, method, padded),
        )

    def fused_step(self, method: Any) -> DelayedKernel | None:
        """The same with the new state, its compensation, the last stage and the error."""
        graph = self._delay_graph
        return self._once(("fused_step", method), lambda: fused_step(graph, method))

    def delayed_interpolant(self, method: Any, numbers: Any, padded: int) -> DelayedKernel | None:
        """The interpolant of such a step, likewise."""
        graph = self._delay_graph
        return self._once(
            ("delayed_interpolant", method, padded),
            lambda: delayed_interpolant(graph, method, numbers, padded),
        )

    @property
    def _delay_graph(self) -> DelayGraph:
        graph = self.model_graph
        assert isinstance(graph, DelayGraph)
        return graph

    def lane_addresses(self, method: Any, numbers: Any) -> tuple[int, int, int]:
        """The addresses of a whole step of a method for several members side by side, of its interpolant, and
        of the value of one member's: see `symde.codegen.lane_steps`. Zeros where there are none."""
        with self._lock:
            if method not in self._lanes:
                self._lanes[method] = self._lane_addresses(method, numbers)
            return self._lanes[method]

    def _lane_addresses(self, method: Any, numbers: Any) -> tuple[int, int, int]:
        kernels = lane_kernels(self.model_graph, lambda: self.lu_plan, method, numbers)
        if self.n > STATES_LIMIT or kernels is None:
            return 0, 0, 0
        side_by_side = load_ir(ir_module(kernels[:2], LANES))
        step, interpolant = (side_by_side.address(kernel.name) for kernel in kernels[:2])
        return step, interpolant, load_ir(ir_module(kernels[2:])).address(kernels[2].name)

    @property
    def taylor(self) -> TaylorKernel:
        """The Taylor coefficients of the solution as a kernel.

        Raises:
            ValueError: The model applies a function of which there is no recurrence.
        """
        return self._once("taylor", lambda: taylor_kernel(self.model_graph))

    def collocation_addresses(self, table: Any, padded: int) -> tuple[int, int]:
        """The addresses of the first guess and of one Newton iteration of a Radau IIA formula as kernels,
        zeros where the general ones serve as well.

        Args:
            table: A formula of the family "radau", its numbers by name.
            padded: Length of a stage vector as the caller keeps it.
        """
        key = (table, padded)
        with self._lock:
            if key not in self._collocations:
                self._collocations[key] = self._collocation(table, padded)
            return self._collocations[key]

    def _collocation(self, table: Any, padded: int) -> tuple[int, int]:
        if self.n > STATES_LIMIT or self.lu_plan is None or not self.complex_lu_length:
            return 0, 0
        iteration = radau_iteration(self.model_graph, self.lu_plan, table, padded)
        if iteration is None:
            return 0, 0
        guess = radau_guess(self.n, table, padded)
        library = load_ir(ir_module([guess, iteration]))
        return library.address(guess.name), library.address(iteration.name)
