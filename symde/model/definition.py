"""A model as plain data: what the builder gives and what lowering, printers and the sympy view read.

Expressions are the syntax tree of :mod:`symde.language.syntax` with every name resolved: a ``Name`` is `t`,
`pi`, a state, a parameter, an observable or a constant, inside a function body also one of its parameters;
initial values and time spans may read `t0` (initial values only), parameters and constants. The tree may be a
DAG (a traced function shares nodes), so walks memoise by identity (:mod:`symde.model.walk`).

Nothing here knows sympy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symde.diagnostics import Source, Span
    from symde.language.syntax import Expr
    from symde.model.delays import Delays
    from symde.model.events import ModelEvent
    from symde.model.implicit import Invariant, MassEntry
    from symde.model.noise import Noise
from symde.model.reactions import Jump, Reaction

TIME = "t"
PI = "pi"
INITIAL_TIME = "t0"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; `default` may read other parameters and constants and follows them until set itself."""

    name: str
    default: Expr | None = None
    unit: str | None = None
    bounds: tuple[float, float] | None = None
    nominal: float | None = None
    doc: str | None = field(default=None, compare=False)
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class State:
    """A state and its differential equation `name' = derivative`.

    `initial` may read parameters, constants and `t0`; None where the text gives no initial value.
    `span` is where the state is introduced, `equation` the statement that gives its derivative. `split` is
    the derivative with its stiff terms marked by calls of `stiff` (:mod:`symde.model.split`), None where
    there is no mark.

    `domain` is (low, high), None for an open end: where the state belongs, kept by the solver.

    A discrete variable is a state whose derivative is 0 and that events change; discrete ones stand last. One
    whose name is a parameter's starts at its value, and equations that read the name read the variable.
    An algebraic variable's `derivative` is the right side of a row of M u' = f that has no entry of M: an
    expression that is kept at zero; its `initial` is a guess. So is it where `guess` is set: constraints
    determine the value of that state at the start.
    """

    name: str
    derivative: Expr
    initial: Expr | None = None
    unit: str | None = None
    nominal: float | None = None
    doc: str | None = field(default=None, compare=False)
    span: Span | None = field(default=None, compare=False)
    equation: Span | None = field(default=None, compare=False)
    split: Expr | None = None
    domain: tuple[float | None, float | None] | None = None
    discrete: bool = False
    algebraic: bool = False
    guess: bool = False


@dataclass(frozen=True, slots=True)
class Observable:
    """A named quantity that is computed and never integrated; may read earlier observables."""

    name: str
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """A name that stands for a number."""

    name: str
    value: float
    span: Span | None = field(default=None, compare=False)
    unit: str | None = None
    doc: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the modeller; its body may read its parameters and every name of the model."""

    name: str
    parameters: tuple[str, ...]
    body: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Layer:
    """A dense layer of a network: activation(weight @ inputs + bias).

    Attributes:
        key: What its weights are called within the network: `key.weight`, `key.bias`.
        inputs, outputs: Sizes.
        activation: A name that `symde.model.network` knows, None for none.
        bias: Whether it has one.
    """

    key: str
    inputs: int
    outputs: int
    activation: str | None
    bias: bool


@dataclass(frozen=True, slots=True)
class Extern:
    """A function from outside the text, and what is bound to it.

    Attributes:
        name: What calls name; `symde.model.externs` tells how.
        parameters: Names of its arguments, for the reader.
        outputs: Number of its values.
        layers: The network that is bound to it, whose weights are parameters of the model; None: none.
        module: The torch module that is bound to it; None: none.
    """

    name: str
    parameters: tuple[str, ...]
    outputs: int
    span: Span | None = field(default=None, compare=False)
    layers: tuple[Layer, ...] | None = None
    module: Any = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole model: names resolved, second-order equations reduced, observables in order of dependence.

    Attributes:
        name: the model's name, ``"model"`` for an anonymous one.
        states: in the order of the text; `x'' = e` gives the states `x` and `x'`.
        parameters: in the order they are named.
        observables: a later one may read an earlier one, never the reverse.
        functions: a later one may call an earlier one, never the reverse.
        tspan: default time span (start, end), may read parameters and constants.
        source: the text that the spans point into.
        externs: functions from outside the text.
        events: in the order of the text.
        mass: entries of M in M u' = f; None where it is the identity.
        invariants: what solutions keep.
        delays: what is read at other times than t, and what was before t0; None where nothing is.
        reactions: those of the text; the derivatives of the species follow from them.
        jumps: those of the text, which no derivative knows of.
        noise: what Brownian motions do to the states; None where the equations are ordinary ones.
        form: ``"short"``, ``"long"``, ``"anonymous"``, ``"function"`` (decorated), ``"traced"``, ``"sympy"``.
    """

    name: str
    doc: str | None
    states: tuple[State, ...]
    parameters: tuple[Parameter, ...]
    observables: tuple[Observable, ...]
    constants: tuple[Constant, ...]
    functions: tuple[Function, ...]
    tspan: tuple[Expr, Expr] | None
    source: Source | None = field(default=None, compare=False)
    form: str = field(default="long", compare=False)
    externs: tuple[Extern, ...] = ()
    events: tuple[ModelEvent, ...] = ()
    mass: tuple[MassEntry, ...] | None = None
    invariants: tuple[Invariant, ...] = ()
    delays: Delays | None = None
    reactions: tuple[Reaction, ...] = ()
    jumps: tuple[Jump, ...] = ()
    noise: Noise | None = None

    @property
    def state_names(self) -> tuple[str, ...]:
        """The states' names, in order."""
        return tuple(state.name for state in self.states)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The parameters' names, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def observable_names(self) -> tuple[str, ...]:
        """The observables' names, in order of dependence."""
        return tuple(observable.name for observable in self.observables)
