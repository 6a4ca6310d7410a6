"""Kernels of events beside noise: what is looked at at the ends of steps, and what happens.

    look         (t, u, p) -> which conditions hold, 1 or 0; values g of root functions; their local variances
    effect_j     (t, u, p) -> the new values of what event j sets, then its delay where it has one
    along_j      (t, u, p, u as it is, direction, changes) -> the derivatives of these along a direction
    priorities   (t, u, p) -> of each event

A root function is the difference of a comparison, or of a crossing, or the distance of what is rounded from
the next whole number. With dx = f dt + G dW the variance of g is |grad g . G|^2 a unit of time: it tells how
likely g has been on the other side of zero between two values on the same one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np

from symde.codegen.algebra import Algebra
from symde.codegen.derivatives import jacobian
from symde.codegen.evaluate import evaluate
from symde.codegen.event_nodes import effect_nodes, instant, jumps_only, planned, priority_nodes
from symde.codegen.event_scope import lower_times, lowering_of
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.noise import NoiseKernels
from symde.codegen.noise_derivatives import along
from symde.codegen.root_set import RootSet
from symde.diagnostics import ModelError
from symde.language.syntax import Expr
from symde.native import load_ir
from symde.problem.event_plan import EventPlan

LOOK, PRIORITIES = "look", "priorities"


class NoiseEventKernels:
    """The kernels of the events of one model with noise.

    Args:
        noise: Its drift and diffusion; what events read is added to their graph.

    Attributes:
        plans: What each event is, in the order of the text; the place of a crossing is its root function.
        conditions, roots: How many there are.
        watched: Of each event the root functions that decide its condition.
        moves: Of each event whether its condition changes without another event.
    """

    def __init__(self, noise: NoiseKernels) -> None:
        definition, model = noise.definition, noise.model
        self._noise, self.graph, events = noise, noise.graph, noise.definition.events
        self._set = RootSet(model, definition)
        self._scope = lowering_of(model, definition)
        self._times_graph, lower_time = lower_times(definition)
        self._times: list[int] = []
        self._conditions: list[int] = []
        self._roots: list[int] = []

        def time(expression: Expr) -> int:
            self._times.append(lower_time(expression))
            return len(self._times) - 1

        names = definition.state_names
        self.plans: tuple[EventPlan, ...] = tuple(
            planned(event, names, self._condition, self._crossing, time) for event in events
        )
        watched = [self._watched(plan) for plan in self.plans]
        self.watched = tuple(tuple(self._root(node) for node in nodes) for nodes in watched)
        self.moves = tuple(
            plan.kind == "crossing" or plan.kind == "when" and self._set.moves(self._conditions[plan.place])
            for plan in self.plans
        )
        self.conditions, self.roots = len(self._conditions), len(self._roots)
        kernels = [self._kernel(LOOK, self._looked_at())]
        self._effects = {
            j: (Output("values", effect_nodes(event, self._scope)),)
            for j, event in enumerate(events)
            if event.effects or event.after is not None
        }
        kernels += [self._kernel(f"effect_{j}", outputs) for j, outputs in self._effects.items()]
        priorities = priority_nodes(events, self._scope)
        if priorities is not None:
            kernels.append(self._kernel(PRIORITIES, (Output("values", priorities),)))
        self._names = {kernel.name for kernel in kernels}
        self._library = load_ir(ir_module(kernels))

    def address(self, name: str) -> int:
        """The address of a kernel by name, 0 where there is none."""
        return self._library.address(f"event_{name}") if f"event_{name}" in self._names else 0

    @functools.cached_property
    def along(self) -> tuple[int, ...]:
        """Of each event the address of the derivatives of what it sets; 0 where that is nothing."""
        kernels = {
            j: Kernel(f"event_along_{j}", self.graph, *along(self._noise, outputs))
            for j, outputs in self._effects.items()
        }
        library = load_ir(ir_module(list(kernels.values()))) if kernels else None
        return tuple(
            library.address(kernels[j].name) if library is not None and j in kernels else 0
            for j in range(len(self.plans))
        )

    @property
    def decisions(self) -> tuple[int | None, ...]:
        """Of each event the node of its condition; None: it has none."""
        return tuple(self._conditions[plan.place] if plan.kind == "when" else None for plan in self.plans)

    @property
    def written(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Of each event the states that it sets, each with the node of its new value."""
        return tuple(
            tuple(zip(plan.targets, self._effects[j][0].nodes, strict=False)) if j in self._effects else ()
            for j, plan in enumerate(self.plans)
        )

    @property
    def timed(self) -> bool:
        """Whether a root function follows the time alone."""
        graph = self.graph
        for root in self._roots:
            ops = {graph.op[one] for one in graph.reachable([root])}
            states = any(vector == "u" for vector, _ in graph.inputs_read([root]))
            if "time" in ops and not states:
                return True
        return False

    @property
    def timing(self) -> tuple[int, ...]:
        """Places of the parameters that known times read."""
        return tuple(sorted({place for _, place in self._times_graph.inputs_read(self._times)}))

    def times(self, t0: float, p: np.ndarray) -> np.ndarray:
        """All times and periods of `at` and `every`, in the places that plans tell: shape (rows, times).

        Args:
            t0: Start of the paths.
            p: Parameters, shape (rows, m).
        """
        found = np.zeros((len(p), max(len(self._times), 1)))
        with np.errstate(all="ignore"):
            values = evaluate(self._times_graph, self._times, t0, {"p": p.T})
        for place, node in enumerate(self._times):
            found[:, place] = values[node]
        return found

    # -- conditions
    # ------------------------------------------------------------------------------------------------

    def _condition(self, expression: Expr) -> int:
        """The place of a condition, which is evaluated as it stands."""
        graph, node = self.graph, self._scope.lower(expression)
        pending = [node]
        while pending:
            one = pending.pop()
            if graph.op[one] == "eq" and any(self._set.moves(argument) for argument in graph.args[one]):
                raise ModelError([instant(graph.span[one])])
            if graph.op[one] in ("and", "or", "not"):
                pending += graph.args[one]
        self._conditions.append(node)
        return len(self._conditions) - 1

    def _crossing(self, expression: Expr) -> int:
        """The place of the root function of a crossing."""
        graph, node = self.graph, self._scope.lower(expression)
        smooth = any(self._set.moves(one) and not graph.args[one] for one in self._smoothly_read(node))
        if not smooth:
            raise ModelError([jumps_only(graph.span[node])])
        return self._root(node)

    def _smoothly_read(self, node: int) -> Iterable[int]:
        """What a quantity reads, not through roundings alone."""
        graph, pending, seen = self.graph, [node], set()
        while pending:
            one = pending.pop()
            if one in seen or graph.op[one] in ("floor", "ceil", "sign", "mod", "lt", "le", "eq"):
                continue
            seen.add(one)
            pending += graph.args[one]
        return seen

    def _root(self, node: int) -> int:
        """The place of a root function."""
        if node not in self._roots:
            self._roots.append(node)
        return self._roots.index(node)

    def _watched(self, plan: EventPlan) -> list[int]:
        """Nodes whose zeros may change whether an event's condition holds."""
        if plan.kind == "crossing":
            return [self._roots[plan.place]]
        if plan.kind != "when":
            return []
        graph, found = self.graph, []
        for one in graph.reachable([self._conditions[plan.place]]):
            if self._set.moves(one):
                found += self._differences(graph.op[one], graph.args[one])
        return found

    def _differences(self, op: str, args: tuple[int, ...]) -> list[int]:
        """Of an operation that switches, the quantities at whose zeros it does."""
        graph = self.graph
        zero, one = graph.constant(0.0), graph.constant(1.0)
        if op in ("lt", "le"):
            a, b = args
            return [b if a == zero else a if b == zero else graph.apply("sub", b, a)]
        if op == "sign":
            return [args[0]]
        if op in ("floor", "ceil"):
            above = graph.apply("sub", args[0], graph.apply("floor", args[0]))
            return [above, graph.apply("sub", one, above)]
        if op == "mod":
            above = graph.apply("mod", *args)
            return [above, graph.apply("sub", args[1], above)]
        return []

    # -- kernels
    # ------------------------------------------------------------------------------------------------

    def _kernel(self, name: str, outputs: tuple[Output, ...]) -> Kernel:
        definition = self._noise.definition
        lengths = {"u": len(definition.states), "p": len(definition.parameters)}
        inputs = tuple(Vector(one, lengths.get(one, 0)) for one in INPUTS)
        return Kernel(f"event_{name}", self.graph, inputs, outputs)

    def _looked_at(self) -> tuple[Output, ...]:
        graph = self.graph
        one, zero = graph.constant(1.0), graph.constant(0.0)
        truths = tuple(graph.apply("select", node, one, zero) for node in self._conditions)
        return Output("truths", truths), Output("g", tuple(self._roots)), Output("spread", self._spreads())

    def _spreads(self) -> tuple[int, ...]:
        """|grad g . G|^2 of each root function."""
        noise, graph, algebra = self._noise, self.graph, Algebra(self.graph)
        rows: dict[int, list[tuple[int, int]]] = {}
        for row, column, node in zip(noise.rows, noise.columns, noise.diffusion_nodes, strict=True):
            rows.setdefault(row, []).append((column, node))
        slopes = jacobian(graph, self._roots, noise.model.states)
        found = []
        for root in range(len(self._roots)):
            along: dict[int, int] = {}  # of each Brownian motion
            for k in range(slopes.indptr[root], slopes.indptr[root + 1]):
                for column, node in rows.get(slopes.indices[k], ()):
                    term = algebra.mul(slopes.nodes[k], node)
                    along[column] = algebra.add(along[column], term) if column in along else term
            total = algebra.zero
            for node in along.values():
                total = algebra.add(total, algebra.mul(node, node))
            found.append(total)
        return tuple(found)
