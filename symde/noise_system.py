"""Models read as stochastic differential equations: the `System` of a problem of kind "sde"."""

from __future__ import annotations

import dataclasses
import functools
import weakref
from typing import Any

import numpy as np

from symde.codegen.effects import ChannelKernels
from symde.codegen.noise import NoiseKernels
from symde.derive.jump_network import JumpNetwork
from symde.derive.noise import stochastic
from symde.derive.piecewise import with_hazard
from symde.engine.noise.session import JumpArrays, NoiseArrays
from symde.lowering import ModelSystem
from symde.model.model import Model
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
        found = _systems[model] = NoiseSystem(model)
    return found


class NoiseSystem(PathSystem):
    """A stochastic differential equation: names and values as those of the model, drift and diffusion in
    place of a right-hand side."""

    solver, members = "symde.noise", "symde.ensemble.paths"

    unread = (
        "this reads ordinary differential equations, and the problem has noise: follow its paths by "
        "symde.solve and symde.ensemble, and take derivatives of their means by differences with one seed"
    )

    def __init__(self, model: Model) -> None:
        definition = model.definition
        self.definition = definition
        self.ito = stochastic(definition)
        self.network: JumpNetwork | None = None
        if definition.jumps:
            self.ito, self.network = with_hazard(self.ito)
        # names and values are those of the model without its noise
        base = ModelSystem(dataclasses.replace(definition, noise=None, jumps=()))
        self.noise = NoiseKernels(self.ito)
        self.state_names, self.parameter_names = base.state_names, base.parameter_names
        self.observable_names = base.observable_names
        self.nominal = base.nominal
        self.span_is_fixed = base.span_is_fixed
        self.start_of_members = base.start_of_members
        self.plans: Any = None
        self.solved: Any = None
        self.sessions: dict[Any, list[Any]] = {}
        self.initial_state, self.parameters, self.time_span = (
            base.initial_state,
            base.parameters,
            base.time_span,
        )
        self.observe, self.unit = base.observe, base.unit

    @functools.cached_property
    def moving_rates(self) -> bool:
        """Whether jumps come at rates that states or the time change."""
        jumps = self.arrays.jumps
        return jumps is not None and not jumps.constant

    @functools.cached_property
    def arrays(self) -> NoiseArrays:
        """The equation for the compiled loops."""
        noise, products = self.noise, self.noise.products
        domains = [state.domain or (None, None) for state in self.ito.states]
        low = [-np.inf if one is None else one for one, _ in domains]
        high = [np.inf if one is None else one for _, one in domains]
        whole = [
            np.array(one, dtype=np.int64)
            for one in (noise.rows, noise.columns, products.rows, products.first, products.second)
        ]
        n = len(self.ito.states)
        bounds = np.array(low, dtype=float), np.array(high, dtype=float)
        rows, columns, product_rows, first, second = whole
        return NoiseArrays(
            n,
            noise.motions,
            rows,
            columns,
            product_rows,
            first,
            second,
            *bounds,
            noise.addresses,
            self._jumps(),
        )

    def _jumps(self) -> JumpArrays | None:
        """The jumps for the compiled loops."""
        if self.network is None:
            return None
        kernels = ChannelKernels(self.ito, self.network)
        channels = len(self.network.channels)
        return JumpArrays(channels, kernels.constant, kernels.rates, kernels.effects, self.network.names)
