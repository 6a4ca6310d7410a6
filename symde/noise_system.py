"""Models read as stochastic differential equations: the `System` of a problem of kind "sde"."""

from __future__ import annotations

import dataclasses
import functools
import weakref
from typing import Any

import numpy as np

from symde.codegen.derivatives import jacobian
from symde.codegen.effect_derivatives import EffectDerivatives
from symde.codegen.effects import ChannelKernels
from symde.codegen.evaluate import evaluate
from symde.codegen.lower import lower_named
from symde.codegen.noise import NoiseKernels, domain_of
from symde.codegen.noise_derivatives import NoiseDerivatives
from symde.codegen.noise_events import NoiseEventKernels
from symde.derive.jump_network import JumpNetwork
from symde.derive.noise import stochastic
from symde.derive.piecewise import with_hazard
from symde.engine.cpu.noise_events import EventArrays
from symde.engine.noise.session import JumpArrays, NoiseArrays
from symde.lowering import ModelSystem
from symde.model.definition import Definition
from symde.model.model import Model
from symde.model.reactions import flux
from symde.path_system import PathSystem
from symde.problem.system import System

_systems: weakref.WeakKeyDictionary[Model, NoiseSystem] = weakref.WeakKeyDictionary()


def read_as_noise(system: System, model: Any) -> NoiseSystem:
    """The stochastic differential equation of a model; made once, so that problems share its compiled code.

    Raises:
        ValueError: the model is none.
    """
    if not isinstance(model, Model):
        raise ValueError("kind='sde' reads a model with noise or reactions, and this is a function")
    found = _systems.get(model)
    if found is None:
        found = _systems[model] = NoiseSystem(model.definition)
    return found


class NoiseSystem(PathSystem):
    """A stochastic differential equation: names and values as those of the model, drift and diffusion in
    place of a right-hand side."""

    solver, members = "symde.noise", "symde.ensemble.paths"

    unread = (
        "this reads ordinary differential equations, and the problem has noise: follow its paths by "
        "symde.solve and symde.ensemble, and take derivatives by symde.value_and_grad or symde.sensitivities"
    )

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.ito = stochastic(definition)
        self.network: JumpNetwork | None = None
        if definition.jumps:
            self.ito, self.network = with_hazard(self.ito)
        # names and values are those of the model without its noise and its events
        base = ModelSystem(dataclasses.replace(definition, noise=None, jumps=(), events=()))
        self.noise = NoiseKernels(self.ito)
        if definition.noise is not None and definition.noise.stratonovich:
            _refuse_jumps(self.noise)
        self.state_names, self.parameter_names = base.state_names, base.parameter_names
        self.observable_names = base.observable_names
        self.nominal = base.nominal
        self.span_is_fixed = base.span_is_fixed
        self.start_of_members = base.start_of_members
        self.plans: Any = None
        self.solved: Any = None
        self.sessions: dict[Any, list[Any]] = {}
        self.extended: dict[Any, NoiseSystem] = {}  # the same model with more events
        self.restore: Any = None  # how its problems are pickled, where it is not a model's own system
        self.initial_state, self.parameters, self.time_span = (
            base.initial_state,
            base.parameters,
            base.time_span,
        )
        self.observe, self.unit = base.observe, base.unit
        self._base = base
        self.observations: dict[tuple[str, ...], Any] = {}

    @property
    def start_derivatives(self) -> Any:
        """Derivatives of defaults, initial values and time span by the parameters: those of the model."""
        return self._base.start_derivatives

    @property
    def quantities(self) -> Any:
        """The graph of states, parameters and observed quantities, and what each of them is there."""
        return self._base.kernels.model_graph

    @functools.cached_property
    def _rates(self) -> Any:
        lowered, lowering = lower_named(self.definition)
        nodes = [lowering.lower(flux(one)) for one in self.definition.reactions]
        graph = lowered.graph
        return graph, nodes, [jacobian(graph, nodes, by) for by in (lowered.states, lowered.parameters)]

    def rates(self, t: float, u: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rates of the reactions and their derivatives by states and parameters, shapes (reactions,),
        (reactions, n) and (reactions, m)."""
        graph, nodes, matrices = self._rates
        wanted = [*nodes, *(node for one in matrices for node in one.nodes)]
        values = evaluate(graph, wanted, t, {"u": u, "p": p})
        dense = [np.zeros((len(nodes), length)) for length in (len(u), len(p))]
        for matrix, target in zip(matrices, dense, strict=True):
            rows = np.repeat(np.arange(len(nodes)), np.diff(matrix.indptr))
            target[rows, list(matrix.indices)] = [values[node] for node in matrix.nodes]
        return np.array([values[node] for node in nodes], dtype=float), dense[0], dense[1]

    @functools.cached_property
    def derivatives(self) -> NoiseDerivatives:
        """Derivatives of drift and diffusion as kernels."""
        return NoiseDerivatives(self.noise)

    @functools.cached_property
    def cuts(self) -> tuple[str, ...]:
        """Where the coefficients are not smooth, in words: at the ends of domains, of the noise of reactions,
        which is none at rates below 0, where noise is a root of what is cut off at 0, and where it jumps."""
        cut = [
            f"`{state.name}` has a domain"
            for state in self.ito.states
            if state.domain is not None
            and np.isfinite([one for one in state.domain if one is not None]).any()
        ]
        if self.definition.reactions:
            cut.append("the noise of reactions ends where their rates are 0")
        else:
            names = [self.ito.state_names[row] for row in self.noise.rough_rows]
            cut += [f"the noise of `{name}` is a root of what is cut off at 0" for name in names]
            if any(one.states for one in self.noise.jumps_of_noise):
                cut.append("the noise jumps where states decide")
        return tuple(cut)

    @functools.cached_property
    def moving_rates(self) -> bool:
        """Whether jumps come at rates that states or the time change."""
        jumps = self.arrays.jumps
        return jumps is not None and not jumps.constant

    @property
    def leaps(self) -> bool:
        """Whether something sets its states: jumps or events."""
        return self.network is not None or self.events is not None

    @property
    def conditional(self) -> bool:
        """Whether states or the time decide when an event happens."""
        events = self.arrays.events
        return events is not None and events.conditional

    @property
    def cut(self) -> str:
        """Why steps end at times that follow the path, in words; empty where they do not."""
        if self.moving_rates:
            return "the rates of jumps move, so that steps are cut short where a jump comes"
        return (
            "states or the time decide when events happen, so that steps are cut short there"
            if self.conditional
            else ""
        )

    @functools.cached_property
    def arrays(self) -> NoiseArrays:
        """The equation for the compiled loops."""
        noise, products = self.noise, self.noise.products
        n = len(self.ito.states)  # with the hazard of jumps, where there are such
        low, high = zip(*(domain_of(self.ito, i) for i in range(n)), strict=True)
        whole = [
            np.array(one, dtype=np.int64)
            for one in (noise.rows, noise.columns, products.rows, products.first, products.second)
        ]
        bounds = np.array(low, dtype=float), np.array(high, dtype=float)
        rows, columns, product_rows, first, second = whole
        pairs = np.array(noise.pairs, dtype=np.int64).reshape(-1, 2)
        return NoiseArrays(
            n, noise.motions, rows, columns, product_rows, first, second, pairs,
            noise.together, *bounds, self._slopes, noise.address,
            self._jumps(), self._events(),
        )  # fmt: skip

    def side_by_side(self, kind: str, method: Any) -> int:
        """Address of a whole step of a method for several paths side by side, "step", or of its derivative
        along a direction, "push", or back, "pull"; 0: there is none."""
        leaps = self.network is not None or bool(self.ito.events)
        return 0 if leaps else self.noise.lane_address(kind, method)

    def _slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Pattern of the drift's Jacobian by rows: starts and columns."""
        slopes = self.noise.drift_jacobian
        return np.array(slopes.indptr, dtype=np.int64), np.array(slopes.indices, dtype=np.int64)

    @functools.cached_property
    def channels(self) -> ChannelKernels:
        """Rates and effects of the jumps, where there are such."""
        assert self.network is not None
        return ChannelKernels(self.ito, self.network)

    @functools.cached_property
    def jump_derivatives(self) -> EffectDerivatives:
        """Derivatives of what jumps do, where there are such."""
        return EffectDerivatives(self.channels)

    def _jumps(self) -> JumpArrays | None:
        """The jumps for the compiled loops."""
        if self.network is None:
            return None
        kernels, channels = self.channels, len(self.network.channels)
        return JumpArrays(channels, kernels.constant, kernels.rates, kernels.effects, self.network.names)

    @functools.cached_property
    def events(self) -> NoiseEventKernels | None:
        """The events as kernels; None where there are none."""
        return NoiseEventKernels(self.noise) if self.ito.events else None

    def _events(self) -> EventArrays | None:
        """The events for the compiled loops."""
        kernels = self.events
        if kernels is None:
            return None

        def along() -> tuple[int, ...]:
            return self.derivatives.alone(lambda: kernels.along)

        return EventArrays(
            kernels.plans, kernels.watched, kernels.conditions, kernels.roots, any(kernels.moves),
            kernels.timed, kernels.address, along, kernels.times,
        )  # fmt: skip


def _refuse_jumps(noise: NoiseKernels) -> None:
    """Refuse noise in the sense of Stratonovich that jumps: half its slope times itself, which turns it into
    Ito's, is infinite there.

    Raises:
        ValueError: states decide where it jumps.
    """
    if any(one.states for one in noise.jumps_of_noise):
        raise ValueError(
            "noise in the sense of Stratonovich jumps where states decide, and cannot be read as Ito's "
            "there: write it smoothly, such as `(1 + tanh(x/w))/2` for `x > 0` with a small w, or without "
            "`stratonovich` as Ito's"
        )
