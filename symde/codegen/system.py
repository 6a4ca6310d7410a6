"""A model's compiled kernels, made when first asked for."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.codegen.analytic import is_analytic
from symde.codegen.complex_lu import COMPLEX_OPERATION_LIMIT, complex_lu_kernels
from symde.codegen.delay_graph import DelayGraph
from symde.codegen.delay_steps import DelayedKernel, delayed_interpolant, delayed_step, fused_step
from symde.codegen.graph import LEAVES, Graph
from symde.codegen.half_steps import nystrom_step, splitting_step
from symde.codegen.jumps import Jump, jumps, jumps_of_past
from symde.codegen.kernel import Kernel
from symde.codegen.lane_steps import LANES, lane_kernels
from symde.codegen.llvm import ir_module
from symde.codegen.lower import LoweredModel
from symde.codegen.lu import StaticLU, plan_lu
from symde.codegen.lu_kernels import lu_kernels
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.modes import lock, switches
from symde.codegen.partition import InseparableError, Partition
from symde.codegen.radau_iteration import radau_guess, radau_iteration
from symde.codegen.split import SplitKernels
from symde.codegen.start import ModelStart
from symde.codegen.steps import STATES_LIMIT, explicit_step, rosenbrock_step
from symde.codegen.taylor_kernel import TaylorKernel, taylor_kernel
from symde.codegen.typical import typical_jacobian
from symde.diagnostics import Span
from symde.model.definition import Definition
from symde.model.split import MARKS, is_split, part_of
from symde.native import load_ir
from symde.problem.traits import Traits

if TYPE_CHECKING:
    from symde.codegen.events import EventKernels

_IMPLICIT = ("rhs_jacobian", "lu_factor", "lu_solve", "lu_substitute", "lu_accept")
"""Kernels that are needed together and compiled together; every other kernel is a module of its own."""

_COMPLEX = ("lu_complex_factor", "lu_complex_solve")
"""The same, for methods that solve systems with complex shifts."""


class ModelKernels:
    """The kernels of one model: addresses that stay valid, and what a caller must know of them.

    Args:
        definition: The model.
        locked: Whether its switches are modes (`symde.codegen.modes`); it must have some.
        sliding: Switches along which solutions slide, places of their root functions.

    Attributes:
        definition: The model.
        n: Number of states.
        m: Number of parameters.
        has_events: Whether it has events, or switches that are modes.
        locked: Whether switches are modes.
        bounds: Index, lower and upper bound of each state that has a domain.
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
        mass: Whether M in M u' = f is another than the identity.
        constrained: Whether steps are more than those of u' = f: with a mass matrix or a projection.
        invariants: Whether solutions keep what a solve must see to.
        guesses: Of each state, whether its value at the start is a guess that constraints determine.
        invariants_kinds: Of each invariant, whether it is kept at zero, and whether steps are projected.
    """

    def __init__(
        self,
        definition: Definition,
        divided: bool = False,
        locked: bool = False,
        sliding: tuple[int, ...] = (),
    ) -> None:
        self.definition, self._divided, self._locks = definition, divided, locked
        self.sliding = sliding
        self.has_events, self.locked = locked or bool(definition.events), locked
        self.bounds, self.blocks = domains(definition), error_blocks(definition)
        self.n = len(definition.states)
        self.m = len(definition.parameters)
        self.mass = definition.mass is not None
        kept = definition.invariants
        self.invariants = any(one.at_zero or one.projected for one in kept)
        self.constrained = self.mass or any(one.projected for one in kept)
        self.guesses = tuple(state.guess for state in definition.states)
        self.invariants_kinds = tuple(one.at_zero for one in kept), tuple(one.projected for one in kept)
        self._addresses: dict[str, int] = {}
        self._steps: dict[tuple[Any, int], int] = {}
        self._lanes: dict[Any, tuple[int, int, int]] = {}
        self._collocations: dict[tuple[Any, int], tuple[int, int]] = {}
        self._made: dict[Any, Any] = {}
        self._lock = threading.RLock()

    def _once(self, name: Any, make: Callable[[], Any]) -> Any:
        # Not functools.cached_property: until Python 3.12 it holds a lock of its own, and two threads that
        # take that one and this object's in opposite order wait for ever.
        if name not in self._made:
            with self._lock:
                if name not in self._made:
                    self._made[name] = make()
        return self._made[name]

    @property
    def split(self) -> SplitKernels | None:
        """The kernels of its stiff part and of the other, None where the model marks none."""
        return self._once("split", self._split)

    def _split(self) -> SplitKernels | None:
        if not is_split(self.definition):
            return None
        stiff, nonstiff = (ModelKernels(part_of(self.definition, mark)) for mark in MARKS)
        return SplitKernels(self, stiff, nonstiff)

    @property
    def model_graph(self) -> ModelGraph:
        """The model's graph with its derivatives."""
        return self._once("graph", self._graph)

    def _graph(self) -> ModelGraph:
        for one in self.definition.externs:
            if one.module is not None:
                raise ValueError(
                    f"`{one.name}` is bound to a torch module, which the compiled engine cannot call: solve "
                    f"with backend='torch', or bind a network: model.bind({one.name}=symde.Network([...])), "
                    "of a Sequential symde.Network.from_torch(module)"
                )
        past = self.definition.delays
        kind = ModelGraph if past is None or not past.read else DelayGraph
        graph = kind(self.definition, self._divided)
        self._locked = lock(graph, self.sliding) if self._locks else None
        return graph if self._locked is None else self._locked.model

    @property
    def switches(self) -> bool:
        """Whether something switches inside its expressions that can be a mode; in equations that read the
        past switches are evaluated as they stand, and so are all where one is in a constraint that has been
        differentiated, of whose derivatives it would be known but on one side."""
        definition = self.definition
        if is_split(definition) or definition.delays is not None:
            return False
        if switches(self.graph, self.lowered.invariants) and definition.mass is not None:
            return False
        return bool(switches(self.graph, self.lowered.rhs)) and lock(ModelGraph(definition)) is not None

    @property
    def lowered(self) -> LoweredModel:
        """The nodes of right-hand side and observables."""
        return self.model_graph.lowered

    @property
    def graph(self) -> Graph:
        """The graph, for the analysis of failures."""
        return self.lowered.graph

    @property
    def equations(self) -> tuple[Span | None, ...]:
        """Where each state's equation stands in the text."""
        return self.model_graph.equations

    @property
    def pattern(self) -> tuple[np.ndarray, np.ndarray]:
        """Row pointers (n+1) and columns (nnz) of the Jacobian, compressed rows, int32."""
        return self._once("pattern", self._pattern)

    def _pattern(self) -> tuple[np.ndarray, np.ndarray]:
        entries = self.model_graph.jacobian
        return np.array(entries.indptr, dtype=np.int32), np.array(entries.indices, dtype=np.int32)

    def for_parameters(self, parameters: Sequence[int]) -> ModelKernels:
        """The kernels for derivatives by some parameters: these, or where M depends on one of them those of
        the equations solved for derivatives, whose M does not.

        Raises:
            ValueError: it still does.
        """
        if not self.mass or not self.model_graph.mass_reads(parameters):
            return self
        divided = self._once("divided", self._divided_kernels)
        left = divided.model_graph.mass_reads(parameters)
        if left:
            name = self.definition.parameter_names[left[0]]
            raise ValueError(
                f"derivatives by `{name}`, which multiplies derivatives in equations that are not solved for "
                "one of them: introduce a state for what the sum of derivatives is of, or take central "
                "differences"
            )
        return divided

    def _divided_kernels(self) -> ModelKernels:
        return ModelKernels(self.definition, divided=True)

    @property
    def adjoint(self) -> Any:
        """Products of row vectors with the derivatives of its right-hand side, `AdjointKernels`."""
        return self._once("adjoint", self._adjoint)

    def _adjoint(self) -> Any:
        from symde.codegen.adjoints import AdjointKernels

        return AdjointKernels(self.model_graph, self)

    @property
    def invariants_pattern(self) -> tuple[np.ndarray, np.ndarray]:
        """Row pointers and columns of the derivative of the invariants, int32."""
        entries = self.model_graph.invariants_jacobian
        return np.array(entries.indptr, dtype=np.int32), np.array(entries.indices, dtype=np.int32)

    @property
    def curved_rows(self) -> np.ndarray:
        """Which rows of f, bool (n,), have derivatives by algebraic variables that change."""
        return self._once("curved_rows", self._curved_rows)

    def _curved_rows(self) -> np.ndarray:
        """Where as many columns of M have entries as rows, the others are the algebraic variables."""
        entries, rows, graph = self.model_graph.jacobian, self.lowered.mass or (), self.graph
        moved = {column for row in rows for column, _ in row}
        if len(moved) > sum(1 for row in rows if row):
            moved = set()

        def changes(node: int) -> bool:
            leaves = (one for one in graph.reachable([node]) if graph.op[one] in LEAVES)
            return any(
                graph.op[one] == "time" or graph.value[one][0] == "u"
                for one in leaves
                if graph.op[one] != "const"
            )

        found = np.zeros(self.n, dtype=bool)
        for i in range(self.n):
            places = range(entries.indptr[i], entries.indptr[i + 1])
            found[i] = any(entries.indices[k] not in moved and changes(entries.nodes[k]) for k in places)
        return found

    @property
    def traits(self) -> Traits:
        """What kind of right-hand side it has."""
        return self._once("traits", self._traits)

    def _traits(self) -> Traits:
        graph, rhs = self.graph, self.lowered.rhs
        operations = sum(graph.op[node] not in LEAVES for node in graph.reachable(rhs))
        if self.lowered.delays is not None:
            return Traits(self.n, operations, mass=self.mass, delays=True)
        try:
            second_order = not self.partition.unsteady
        except InseparableError:
            second_order = False
        return Traits(self.n, operations, is_analytic(graph, rhs), second_order, self.mass)

    @property
    def jumps(self) -> list[Jump]:
        """Where its right-hand side jumps."""
        return self._once("jumps", self._find_jumps)

    def _find_jumps(self) -> list[Jump]:
        graph, delays = self.graph, self.lowered.delays
        if delays is None:
            return jumps(graph, self.lowered.rhs, self._discrete())
        return jumps(graph, (*self.lowered.rhs, *delays.times)) + jumps_of_past(graph, delays)

    def _discrete(self) -> frozenset[int]:
        return frozenset(i for i, state in enumerate(self.definition.states) if state.discrete)

    @property
    def events(self) -> EventKernels | None:
        """The kernels of its events, None where it has none."""
        return self._once("events", self._events) if self.has_events else None

    def _events(self) -> EventKernels:
        from symde.codegen.events import EventKernels

        graph = self.model_graph
        return EventKernels(graph, self._locked)

    @property
    def partition(self) -> Partition:
        """The states as positions and momenta, for kernels of the halves.

        Raises:
            InseparableError: some state's derivative reads a state of its own half; the message names both.
        """
        return self._once("partition", lambda: self.model_graph.partition)

    @property
    def lu_plan(self) -> StaticLU | None:
        """The generated factorisation, None where it would be too long."""
        return self._once("plan", self._plan)

    def _plan(self) -> StaticLU | None:
        model = self.model_graph
        entries, mass = model.jacobian, model.mass
        if mass is None:
            return plan_lu(entries.indptr, entries.indices)
        massed = [not self.graph.is_constant(node, 0.0) for node in mass]
        return plan_lu(entries.indptr, entries.indices, sample=typical_jacobian(model), massed=massed)

    @property
    def lu_length(self) -> int:
        """Length of the vector `lu` of the generated factorisation; 0 where there is none."""
        return 0 if self.lu_plan is None else self.lu_plan.length

    @property
    def complex_lu_length(self) -> int:
        """Length of the vector `lu` of the generated factorisation with a complex shift; 0 where there is
        none."""
        plan = self.lu_plan
        return 0 if plan is None or plan.operations > COMPLEX_OPERATION_LIMIT else 2 * plan.length

    def address(self, name: str) -> int:
        """The address of a kernel, compiled or loaded by now.

        Args:
            name: `rhs`, `rhs_jacobian`, `rhs_gradient`, `jacobian`, `jacobian_vector`, `observables`,
                `invariants`, `mass` (where M is not the identity), or (where `lu_length` is not 0)
                `lu_factor`, `lu_solve`, `lu_substitute`, `lu_accept`, `lu_solve_transposed`, `lu_residual`,
                or (where `complex_lu_length` is not 0) `lu_complex_factor`, `lu_complex_solve`, or (where
                there is a `partition`) `rhs_positions`, `rhs_momenta`, `accelerations`.

        Raises:
            KeyError: There is no kernel of that name.
        """
        address = self._addresses.get(name)
        if address is None:
            with self._lock:
                self._load(name)
            address = self._addresses[name]
        return address

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

    def ir(self, name: str) -> str:
        """The LLVM IR of the module that holds a kernel."""
        with self._lock:
            return ir_module([self._kernel(member) for member in self._group(name)])

    def _load(self, name: str) -> None:
        group = self._group(name)
        library = load_ir(self.ir(name))
        for member in group:
            self._addresses[member] = library.address(member)

    def _group(self, name: str) -> tuple[str, ...]:
        if name in _IMPLICIT:
            return _IMPLICIT if self.lu_plan is not None else (name,)
        return _COMPLEX if name in _COMPLEX else (name,)

    def _kernel(self, name: str) -> Kernel:
        if name in _COMPLEX:
            return self._once("complex_lu_kernels", self._complex_lu_kernels)[name]
        if not name.startswith("lu_"):
            return self.model_graph.kernel(name)
        return self._once("lu_kernels", self._lu_kernels)[name]

    def _lu_kernels(self) -> dict[str, Kernel]:
        return {} if self.lu_plan is None else {kernel.name: kernel for kernel in lu_kernels(self.lu_plan)}

    def _complex_lu_kernels(self) -> dict[str, Kernel]:
        plan = self.lu_plan
        return {} if plan is None else {kernel.name: kernel for kernel in complex_lu_kernels(plan)}


def domains(definition: Definition) -> tuple[tuple[int, float, float], ...]:
    """Index, lower and upper bound of each state that has a domain."""
    found = []
    for index, state in enumerate(definition.states):
        domain = getattr(state, "domain", None)
        if domain is not None:
            low, high = domain
            found.append((index, -math.inf if low is None else low, math.inf if high is None else high))
    return tuple(found)


def error_blocks(definition: Definition) -> tuple[tuple[int, int, int], ...]:
    """The states in blocks of the error test: discrete variables, which have no error, dilute no norm."""
    starts = [0]
    kinds = [state.discrete for state in definition.states]
    starts += [i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]]
    ends = [*starts[1:], len(kinds)]
    return tuple([(start, end - start, 1) for start, end in zip(starts, ends, strict=True)])


_STARTS_KEPT = 64
_starts: OrderedDict[int, tuple[Definition, ModelStart]] = OrderedDict()
_starts_lock = threading.Lock()


def model_start(definition: Definition) -> ModelStart:
    """The start of a model; the same object for the same definition object while recently used."""
    # By identity: to hash a definition is to walk all its expressions.
    with _starts_lock:
        known = _starts.get(id(definition))
        if known is not None:
            _starts.move_to_end(id(definition))
            return known[1]
    start = ModelStart(definition)
    with _starts_lock:
        _starts[id(definition)] = definition, start
        if len(_starts) > _STARTS_KEPT:
            _starts.popitem(last=False)
    return start


def evaluate_parameters(definition: Definition, overrides: Mapping[str, float]) -> np.ndarray:
    """All parameters of a model, shape (m,): see `ModelStart.parameters`."""
    return model_start(definition).parameters(overrides)


def evaluate_initial(
    definition: Definition, p: np.ndarray, t0: float, overrides: Mapping[str, float] | None = None
) -> np.ndarray:
    """The initial state of a model, shape (n,): see `ModelStart.initial`."""
    return model_start(definition).initial(p, t0, overrides)


def evaluate_tspan(definition: Definition, p: np.ndarray) -> tuple[float, float] | None:
    """The default time span of a model: see `ModelStart.tspan`."""
    return model_start(definition).tspan(p)
