"""The kernels of a model: which outputs each computes, with names and equations for printed source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from symde.codegen.derivatives import SparseJacobian, directional, jacobian, time_gradient
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.lower import LoweredModel, lower
from symde.codegen.mass import united
from symde.codegen.partition import Partition, accelerations, half, partition
from symde.diagnostics import Span
from symde.model.definition import Definition


class ModelGraph:
    """A model's graph and the derivatives that have been asked for.

    Args:
        definition: The model.
        divided: Whether M u' = f is solved for derivatives as far as M alone allows.

    Attributes:
        definition: The model.
        lowered: Its right-hand side and observables as graph nodes.

    Raises:
        ValueError: the model has jumps or noise.
    """

    def __init__(
        self, definition: Definition, divided: bool = False, lowered: LoweredModel | None = None
    ) -> None:
        if definition.jumps:
            raise ValueError(
                f"model `{definition.name}` has jumps, which its differential equations know nothing of: "
                "solve it as a jump process, symde.Problem(model, kind='jump')"
            )
        if definition.noise is not None:
            raise ValueError(
                f"model `{definition.name}` has noise, which ordinary differential equations know nothing "
                "of: follow its paths, symde.solve(symde.Problem(model), dt0=...)"
            )
        self.definition = definition
        self.lowered: LoweredModel = lower(definition, divided) if lowered is None else lowered

    @cached_property
    def jacobian(self) -> SparseJacobian:
        """The derivative of the right-hand side by the states; with a mass matrix its pattern has the places
        of that one's entries too."""
        return self._jacobian_and_mass[0]

    @cached_property
    def mass(self) -> tuple[int, ...] | None:
        """The entries of M in M u' = f, each at its place in the pattern of the Jacobian; None: the
        identity."""
        return self._jacobian_and_mass[1]

    @cached_property
    def _jacobian_and_mass(self) -> tuple[SparseJacobian, tuple[int, ...] | None]:
        model = self.lowered
        entries = jacobian(model.graph, model.rhs, model.states)
        if model.mass is None:
            return entries, None
        return united(entries, model.mass, model.graph.constant(0.0))

    def mass_reads(self, parameters: Sequence[int]) -> list[int]:
        """Which of some parameters M depends on."""
        read = self.lowered.graph.inputs_read(self.mass or ())
        return [j for j in parameters if ("p", j) in read]

    @cached_property
    def invariants_jacobian(self) -> SparseJacobian:
        """The derivative of what solutions keep by the states."""
        return jacobian(self.lowered.graph, self.lowered.invariants, self.lowered.states)

    @cached_property
    def parameter_jacobian(self) -> SparseJacobian:
        """The derivative of the right-hand side by the parameters."""
        return jacobian(self.lowered.graph, self.lowered.rhs, self.lowered.parameters)

    @cached_property
    def time_gradient(self) -> tuple[int, ...]:
        """The partial derivative of the right-hand side by t."""
        return tuple(time_gradient(self.lowered.graph, self.lowered.rhs))

    @cached_property
    def jacobian_vector(self) -> tuple[int, ...]:
        """The Jacobian times the input `direction`."""
        graph = self.lowered.graph
        directions = {node: graph.input("direction", i) for i, node in enumerate(self.lowered.states)}
        return tuple(directional(graph, self.lowered.rhs, directions))

    @cached_property
    def partition(self) -> Partition:
        """The states as positions and momenta.

        Raises:
            InseparableError: they are not.
        """
        model = self.lowered
        return partition(model.graph, model.rhs, model.states, self.definition.state_names)

    @cached_property
    def equations(self) -> tuple[Span | None, ...]:
        """Where each state's equation stands in the text."""
        return tuple(state.equation for state in self.definition.states)

    def kernel(self, name: str) -> Kernel:
        """A kernel by name, one of the keys of `_OUTPUTS`. Those of positions and momenta are of all states,
        zero where they have nothing to say.

        Raises:
            KeyError: There is no kernel of that name.
            InseparableError: There are no positions and momenta.
        """
        outputs = _OUTPUTS[name](self)
        definition = self.definition
        heading = f"model {definition.name}"
        comments = (heading if definition.doc is None else f"{heading}: {' '.join(definition.doc.split())}",)
        return Kernel(name, self.lowered.graph, self.inputs(), outputs, comments)

    def inputs(self) -> tuple[Vector, ...]:
        """The input vectors of every kernel of the model, in the fixed order of the input table."""
        names = self.definition.state_names
        labels = {
            "u": names,
            "p": self.definition.parameter_names,
            "direction": tuple(f"direction[{name}]" for name in names),
            "adjoint": tuple(f"adjoint[{name}]" for name in names),
        }
        return tuple(Vector(name, len(labels.get(name, ())), labels.get(name, ())) for name in INPUTS)


def _rhs(model: ModelGraph) -> tuple[Output, ...]:
    names = model.definition.state_names
    equations = tuple(
        _text(span, f"{name}' = ...") for name, span in zip(names, model.equations, strict=True)
    )
    return (Output("f", model.lowered.rhs, tuple(f"d{name}" for name in names), equations),)


def _time_gradient(model: ModelGraph) -> Output:
    names = model.definition.state_names
    return Output("time_gradient", model.time_gradient, tuple(f"d(d{name})/dt" for name in names))


def _rhs_jacobian(model: ModelGraph) -> tuple[Output, ...]:
    return (*_rhs(model), *_jacobian(model), _time_gradient(model))


def _rhs_gradient(model: ModelGraph) -> tuple[Output, ...]:
    """As `rhs_jacobian` in the same places, without the Jacobian's entries: for matrix-free solvers."""
    return (*_rhs(model), Output("jacobian", (), ()), _time_gradient(model))


def _jacobian(model: ModelGraph) -> tuple[Output, ...]:
    names = model.definition.state_names
    entries = model.jacobian
    labels = [
        f"d(d{names[row]})/d{names[entries.indices[k]]}"
        for row in range(len(names))
        for k in range(entries.indptr[row], entries.indptr[row + 1])
    ]
    return (Output("jacobian", entries.nodes, tuple(labels)),)


def _invariants(model: ModelGraph) -> tuple[Output, ...]:
    """What solutions keep, and the entries of its derivative by the states."""
    return (
        Output("invariants", model.lowered.invariants),
        Output("invariants_jacobian", model.invariants_jacobian.nodes),
    )


def _mass(model: ModelGraph) -> tuple[Output, ...]:
    """The entries of M, each at its place in the pattern of the Jacobian."""
    assert model.mass is not None
    return (Output("mass", model.mass),)


def _jacobian_vector(model: ModelGraph) -> tuple[Output, ...]:
    return (
        Output("jv", model.jacobian_vector, tuple(f"jv[{name}]" for name in model.definition.state_names)),
    )


def _observables(model: ModelGraph) -> tuple[Output, ...]:
    names = model.definition.observable_names
    spans = [observable.span for observable in model.definition.observables]
    comments = tuple(_text(span, name) for name, span in zip(names, spans, strict=True))
    return (Output("observables", model.lowered.observables, names, comments),)


def _rhs_positions(model: ModelGraph) -> tuple[Output, ...]:
    return _half(model, model.partition.positions)


def _rhs_momenta(model: ModelGraph) -> tuple[Output, ...]:
    return _half(model, model.partition.momenta)


def _half(model: ModelGraph, members: tuple[int, ...]) -> tuple[Output, ...]:
    (whole,) = _rhs(model)
    nodes = half(model.lowered.graph, model.lowered.rhs, members)
    return (Output("f", nodes, whole.labels, whole.comments),)


def _accelerations(model: ModelGraph) -> tuple[Output, ...]:
    lowered, halves = model.lowered, model.partition
    nodes = accelerations(lowered.graph, lowered.rhs, lowered.states, halves)
    labels = list(f"d{name}" for name in model.definition.state_names)
    for i in halves.positions:
        labels[i] = f"d{labels[i]}"
    return (Output("accelerations", nodes, tuple(labels)),)


def _text(span: Span | None, otherwise: str) -> str:
    return otherwise if span is None else " ".join(span.text.split())


_OUTPUTS: dict[str, Callable[[ModelGraph], tuple[Output, ...]]] = {
    "rhs": _rhs,
    "rhs_jacobian": _rhs_jacobian,
    "rhs_gradient": _rhs_gradient,
    "jacobian": _jacobian,
    "mass": _mass,
    "invariants": _invariants,
    "jacobian_vector": _jacobian_vector,
    "observables": _observables,
    "rhs_positions": _rhs_positions,
    "rhs_momenta": _rhs_momenta,
    "accelerations": _accelerations,
}
