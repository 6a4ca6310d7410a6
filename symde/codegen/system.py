"""A model's compiled kernels, made when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.codegen.analytic import is_analytic
from symde.codegen.complex_lu import COMPLEX_OPERATION_LIMIT, complex_lu_kernels
from symde.codegen.delay_graph import DelayGraph
from symde.codegen.graph import LEAVES, Graph
from symde.codegen.jumps import Jump, jumps, jumps_of_past
from symde.codegen.kernel import Kernel
from symde.codegen.llvm import ir_module
from symde.codegen.lower import LoweredModel
from symde.codegen.lu import StaticLU, plan_lu
from symde.codegen.lu_kernels import lu_kernels
from symde.codegen.method_kernels import MethodKernels
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.modes import lock, switches
from symde.codegen.partition import InseparableError, Partition
from symde.codegen.split import SplitKernels
from symde.codegen.state_blocks import domains, error_blocks
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


class ModelKernels(MethodKernels):
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
        super().__init__(len(definition.states))
        self.definition, self._divided, self._locks = definition, divided, locked
        self.sliding = sliding
        self.has_events, self.locked = locked or bool(definition.events), locked
        self.bounds, self.blocks = domains(definition), error_blocks(definition)
        self.m = len(definition.parameters)
        self.mass = definition.mass is not None
        kept = definition.invariants
        self.invariants = any(one.at_zero or one.projected for one in kept)
        self.constrained = self.mass or any(one.projected for one in kept)
        self.guesses = tuple(state.guess for state in definition.states)
        self.invariants_kinds = tuple(one.at_zero for one in kept), tuple(one.projected for one in kept)
        self._addresses: dict[str, int] = {}

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
