"""Models made ready for solving: kernels, names and numbers behind the `System` protocol."""

from __future__ import annotations

import functools
import importlib
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.codegen.evaluate import evaluate, first_nonfinite
from symde.codegen.past import delayed_values, reads_past
from symde.codegen.starts import model_start
from symde.codegen.system import ModelKernels
from symde.diagnostics import Span
from symde.engine.cpu.delays import DelaySystem
from symde.model.definition import Definition
from symde.model.externs import unbound, unbound_message
from symde.model.model import Model
from symde.model.split import is_split, join
from symde.problem.system import Equation, NonFinite, System
from symde.problem.traits import Traits
from symde.python_function import CallbackSystem, require_arguments
from symde.split_function import SplitFunction

if TYPE_CHECKING:  # solves have no use for them
    from symde.codegen.adjoints import AdjointKernels
    from symde.codegen.start_derivatives import StartDerivatives
    from symde.computed import Computed
    from symde.constraints import Constraints
    from symde.problem.solution import Solution

_systems: weakref.WeakKeyDictionary[Model, ModelSystem] = weakref.WeakKeyDictionary()
_one_at_a_time = threading.Lock()  # what solves in several threads find out about one system


def lower_model(model: Any, n: int | None, m: int | None) -> tuple[System, Any] | None:
    """The system of a model, a text or a plain function, and the model itself; None for anything else.

    A model's system is made once, so problems that share a model share its compiled code.
    """
    if isinstance(model, str):
        from symde.model.ode_def import ode_def

        model = ode_def(model)
    if isinstance(model, Model):
        system = _systems.get(model)
        if system is None:
            for one in unbound(model.definition):
                raise ValueError(unbound_message(one))
            solved = solved_definition(model.definition)
            system = _systems[model] = ModelSystem(solved)
            if solved.state_names != model.state_names:
                system.text_names, system.text_definition = model.state_names, model.definition
        return system, model
    if isinstance(model, SplitFunction) and n is not None:
        return lower_split(model, n, m or 0), model
    if callable(model) and n is not None:
        return lower_function(model, n, m or 0), model
    return None


def solved_definition(definition: Definition) -> Definition:
    """The equations that are solved: of implicit ones, a system of index 1."""
    if definition.mass is None:
        return definition
    from symde.derive.reduction import solvable  # most models have none

    return solvable(definition)


def solved_system(system: Any) -> Any:
    """What is solved of a system: the same, or where expressions have branches one in which they are modes
    (`symde.codegen.modes`). Derivatives are those of the system itself."""
    known = system.solved
    if known is None:
        switches = isinstance(system, ModelSystem) and not system.delays and system.kernels.switches
        known = system
        if switches:
            known = ModelSystem(system.definition, locked=True)
            known.unlocked = system
        system.solved = known
    return known


def let_slide(system: Any, place: int) -> None:
    """Let solutions of a system slide along a switch, whose root function has this place, from now on; where
    they cannot, they are not asked to again."""
    with _one_at_a_time:
        solved = system.solved
        if place in solved.kernels.sliding:  # a solve in another thread came first
            return
        sliding = (*solved.kernels.sliding, place)
        kernels = ModelKernels(system.definition, locked=True, sliding=sliding)
        new = ModelSystem(system.definition, locked=True, kernels=kernels)
        if new.kernels.events.exits[place]:
            system.solved, new.unlocked = new, system
        else:
            solved.asks = False


def lower_function(function: Callable[..., Any], n: int, m: int) -> System:
    """A plain f(u, p, t): compiled where it can be traced, else called back."""
    from symde.model.trace import TraceError, trace

    require_arguments(function)
    callback = CallbackSystem(function, n, m)
    try:
        system = ModelSystem(trace(function, n, m))
    except TraceError:
        return callback
    return system if _agree(system, callback) else callback


def lower_split(function: SplitFunction, n: int, m: int) -> System:
    """Two functions whose sum is solved: compiled where both can be traced, else called back."""
    stiff, nonstiff = (lower_function(one, n, m) for one in (function.stiff, function.nonstiff))
    if isinstance(stiff, ModelSystem) and isinstance(nonstiff, ModelSystem):
        return ModelSystem(join(stiff.definition, nonstiff.definition))
    return CallbackSystem(function, n, m, (function.stiff, function.nonstiff))


def _agree(traced: ModelSystem, called: CallbackSystem) -> bool:
    """Whether the traced function gives what the function itself gives, at two points.

    A function that depends on more than (u, p, t), such as a counter or random numbers, does not.
    """
    points = np.random.default_rng(7)
    for t in (0.25, 1.75):
        u, p = points.uniform(0.5, 1.5, called.kernels.n), points.uniform(0.5, 1.5, called.kernels.m)
        try:
            with np.errstate(all="ignore"):  # the points are not the user's: his function need not bear them
                expected = called.slope(t, u, p)
        except (ArithmeticError, ValueError, TypeError):
            return False
        if not np.allclose(traced.slope(t, u, p), expected, rtol=1e-12, atol=1e-300, equal_nan=True):
            return False
    return True


class ModelSystem:
    """The system of a model's definition."""

    compiled = True
    text_names: tuple[str, ...] | None = None  # states of the text, where others are solved for
    text_definition: Definition | None = None  # its equations, likewise

    def __init__(
        self, definition: Definition, locked: bool = False, kernels: ModelKernels | None = None
    ) -> None:
        self.definition = definition
        self.state_names = definition.state_names
        self.parameter_names = definition.parameter_names
        self.observable_names = definition.observable_names
        scales = [state.nominal for state in definition.states]
        self.nominal = (
            None if all(s is None for s in scales) else np.array([1.0 if s is None else s for s in scales])
        )
        self.parameter_nominals = tuple(parameter.nominal for parameter in definition.parameters)
        self.kernels: Any = ModelKernels(definition, locked=locked) if kernels is None else kernels
        self.delays = definition.delays is not None and definition.delays.read
        if self.delays:
            _refuse_with_delays(definition)
            self.kernels = DelaySystem(self.kernels)
        self._start = model_start(definition)
        self.split = is_split(definition)
        self.sessions: dict[Any, list[Any]] = {}
        self.plans: Any = None
        self.augmented: dict[Any, Any] = {}  # the same model with sensitivity columns
        self.extended: dict[Any, ModelSystem] = {}  # the same model with more events
        self.restore: Any = None  # how its problems are pickled, where it is not a model's own system
        self.solved: ModelSystem | None = self if locked else None  # see `solved_system`
        self.unlocked: ModelSystem | None = None  # the same with branches as they stand
        self.asks = locked  # whether solves tell of sliding that they do not know
        self.observations: dict[tuple[str, ...], Any] = {}  # quantities with their derivatives

    @functools.cached_property
    def whole(self) -> ModelSystem:
        """The same with loops of algebraic equations as they are written, for messages."""
        if self.text_definition is None:
            return self
        from symde.derive.reduction import solvable

        return ModelSystem(solvable(self.text_definition, torn=False))

    def computed(self, name: str) -> Computed | None:
        """What a name means that is no state but computed from them; None where there is no such quantity."""
        from symde.computed import computed  # for messages, and tolerances by name

        return computed(self.definition, self.text_names or (), name)

    @functools.cached_property
    def adjoint_kernels(self) -> AdjointKernels:
        """Products of row vectors with the derivatives of the right-hand side."""
        if self.delays:
            from symde.codegen.delay_products import DelayProductKernels

            return DelayProductKernels(self.kernels.model_graph)
        return self.kernels.adjoint

    @functools.cached_property
    def start_derivatives(self) -> StartDerivatives:
        """Derivatives of defaults, initial values and time span by the parameters."""
        from symde.codegen.lower import lower_start
        from symde.codegen.start_derivatives import StartDerivatives

        return StartDerivatives(lower_start(self.definition))

    @property
    def past_observables(self) -> frozenset[str]:
        """Names of the observed quantities that read delayed values."""
        return self._past_observables

    @functools.cached_property
    def _past_observables(self) -> frozenset[str]:
        if not self.delays:
            return frozenset()
        pairs = zip(self.observable_names, self.kernels.lowered.observables, strict=True)
        return frozenset(name for name, node in pairs if reads_past(self.kernels.lowered, node))

    @property
    def traits(self) -> Traits:
        """What the choice of methods must know."""
        return self.kernels.traits

    def parameters(self, given: Mapping[str, float]) -> np.ndarray:
        """All parameters; those not given follow their defaults."""
        return self._start.parameters(given)

    def initial_state(self, p: np.ndarray, t0: float, given: Mapping[str, float]) -> np.ndarray:
        """The initial state from the model's own values and those given."""
        if len(given) == len(self.state_names):
            return np.array([given[name] for name in self.state_names], dtype=float)
        return self._start.initial(p, t0, given)

    def time_span(self, p: np.ndarray) -> tuple[float, float] | None:
        """The model's own time span."""
        return self._start.tspan(p)

    def start_of_members(
        self,
        p: Mapping[str, float | np.ndarray],
        u0: Mapping[str, float | np.ndarray],
        t0: float,
        count: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Parameters (count, m) and initial states (count, n) of several members.

        Args:
            p, u0: Values that are given, a number for all members or an array of shape (count,).
            t0: Where the members start.
            count: How many they are.

        Raises:
            KeyError: names a parameter or a state without a value.
        """
        parameters = self._start.parameter_rows(p, count)
        return parameters, self._start.initial_rows(parameters, t0, u0)

    @property
    def span_is_fixed(self) -> bool:
        """Whether the model's own time span follows no parameter."""
        return self._start.tspan_is_fixed

    def observe(
        self, t: np.ndarray, u: np.ndarray, p: np.ndarray, solution: Solution | None = None
    ) -> np.ndarray:
        """Observed quantities, shape (n_times, n_observables). Those that read delayed values are read off
        the continuous solution, and NaN where none is given."""
        if any(one.module is not None for one in self.definition.externs):
            # torch belongs to the floor of layers alone, and is there where a module is
            return importlib.import_module("symde.layers.module").observed(self, t, u, p)
        lowered, inputs, wanted = self.kernels.lowered, {"u": u.T, "p": p}, self.kernels.lowered.observables
        if self._past_observables:
            if solution is None or solution.dense is None:
                pairs = zip(self.observable_names, wanted, strict=True)
                wanted = [node for name, node in pairs if name not in self._past_observables]
            else:
                inputs = delayed_values(lowered, solution, t, u)
        values = evaluate(lowered.graph, wanted, t, inputs)
        columns = [np.broadcast_to(values.get(node, np.nan), t.shape) for node in lowered.observables]
        return np.stack(columns, axis=1).astype(float) if columns else np.empty((len(t), 0))

    def unit(self, name: str) -> str | None:
        """The unit a state or parameter was declared with."""
        for part in (*self.definition.states, *self.definition.parameters):
            if part.name == name:
                return part.unit
        return None

    def equation(self, index: int) -> Equation:
        """The equation of a state in the modeller's words."""
        state = self.definition.states[index]
        span = state.equation
        if span is None:
            return Equation(state.name, f"{state.name}' = ...", "", 0)
        return Equation(state.name, " ".join(span.text.split()), span.source.name, _line(span))

    @functools.cached_property
    def constraints(self) -> Constraints:
        """What its equations without a derivative and its invariants say of numbers."""
        from symde.constraints import Constraints

        return Constraints(self.unlocked or self)  # branches as they stand

    def slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The right-hand side, by the graph's interpreter."""
        lowered = self.kernels.lowered
        values = evaluate(lowered.graph, lowered.rhs, t, {"u": u, "p": p})
        return np.array([values[node] for node in lowered.rhs], dtype=float)

    def derivative(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """u', shape (n,): the right-hand side, or what M and the constraints make of it."""
        return self.constraints.derivative(t, u, p) if self.kernels.mass else self.slope(t, u, p)

    def non_finite(self, t: float, u: np.ndarray, p: np.ndarray) -> NonFinite | None:
        """The first non-finite subexpression of the right-hand side, or else an entry of its Jacobian. Of a
        model with delays it is not known: the delayed values of that time are not."""
        if self.delays:
            return None
        graph, rhs = self.kernels.lowered.graph, self.kernels.lowered.rhs
        values = evaluate(graph, rhs, t, {"u": u, "p": p})
        node = first_nonfinite(graph, rhs, values)
        if node is None:
            return self._non_finite_derivative(t, u, p)
        span = graph.span[node]
        arguments = tuple(
            (_words(graph.span[argument]), float(values[argument]))
            for argument in graph.args[node]
            if graph.span[argument] is not None and graph.op[argument] != "const"
        )
        return NonFinite(_words(span), float(values[node]), _line(span), arguments)

    def _non_finite_derivative(self, t: float, u: np.ndarray, p: np.ndarray) -> NonFinite | None:
        entries = self.kernels.model_graph.jacobian
        values = evaluate(self.kernels.graph, entries.nodes, t, {"u": u, "p": p})
        for row, name in enumerate(self.state_names):
            for k in range(entries.indptr[row], entries.indptr[row + 1]):
                value = float(values[entries.nodes[k]])
                if not np.isfinite(value):
                    column = entries.indices[k]
                    words = f"the derivative of {name}' by {self.state_names[column]}"
                    return NonFinite(
                        words, value, self.equation(row).line, ((self.state_names[column], float(u[column])),)
                    )
        return None

    def take_error(self) -> BaseException | None:
        """Compiled kernels raise nothing."""
        return None


def _refuse_with_delays(definition: Definition) -> None:
    """Refuse what is not solved together with delays.

    Raises:
        ValueError: the model has such.
    """
    assert definition.delays is not None
    refused = (
        (
            "constraints of higher index",
            any(one.at_zero for one in definition.invariants),
            "write equations that determine the algebraic variables as they stand (of index 1)",
        ),
        ("steps projected onto invariants", any(one.projected for one in definition.invariants), _LEAVE_OUT),
        (
            "domains of states (`dom`)",
            any(state.domain is not None for state in definition.states),
            _LEAVE_OUT,
        ),
        (
            "derivatives read at earlier times beside equations without a derivative or with a mass matrix",
            definition.mass is not None and bool(definition.delays.slopes),
            "solve the equations for derivatives by hand, `x' = ...`",
        ),
    )
    for what, found, remedy in refused:
        if found:
            raise ValueError(f"a model with delays and {what} is not solved by this version: {remedy}")


_LEAVE_OUT = "leave out one of them, or write the delays as a chain of states (the linear chain trick)"


def _words(span: Span | None) -> str:
    return "an expression" if span is None else " ".join(span.text.split())


def _line(span: Span | None) -> int:
    return 0 if span is None else span.source.position(span.start)[0]
