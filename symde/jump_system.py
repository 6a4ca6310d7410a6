"""Models read as jump processes: the `System` of a problem of kind "jump"."""

from __future__ import annotations

import dataclasses
import functools
import weakref
from typing import Any

import numpy as np

from symde.codegen.propensities import PropensityKernels, TimedRateError
from symde.counting_system import CountingSystem
from symde.derive.jump_network import Channel, is_piecewise, jump_network
from symde.engine.jumps.network import NetworkArrays, network_arrays
from symde.lowering import ModelSystem
from symde.model.definition import Definition
from symde.model.model import Model
from symde.path_system import PathSystem
from symde.piecewise_system import PiecewiseSystem
from symde.problem.system import System

_systems: weakref.WeakKeyDictionary[Model, PathSystem] = weakref.WeakKeyDictionary()


def read_as_jumps(system: System, model: Any) -> PathSystem:
    """The jump process of a model, with its differential equations and events where it has such; made once,
    so that problems share its compiled code.

    Raises:
        ValueError: the model is none.
    """
    if not isinstance(model, Model):
        raise ValueError("kind='jump' reads a model with reactions or jumps, and this is a function")
    found = _systems.get(model)
    if found is None:
        found = _systems[model] = _read(system, model.definition)
    return found


def _read(system: System, definition: Definition) -> PathSystem:
    """Jumps alone by methods of their own, all else with the hazard of the jumps beside the equations."""
    if definition.noise is not None and definition.jumps:
        raise ValueError("the model has noise beside jumps, which kind='sde' reads: leave out kind='jump'")
    if is_piecewise(definition):
        return PiecewiseSystem(system, definition)
    try:
        return JumpSystem(system, definition)
    except TimedRateError:
        return PiecewiseSystem(system, definition)


class JumpSystem(CountingSystem):
    """A jump process: names and values as those of the model, propensities in place of a right-hand side."""

    solver = "symde.jumps"

    unread = (
        "this reads differential equations, and the problem is a jump process: follow its paths by "
        "symde.solve and symde.ensemble, and take derivatives of their means by differences between "
        "ensembles of one seed; reactions are differential equations too, without kind='jump'"
    )

    def __init__(self, base: System, definition: Definition) -> None:
        self.definition = definition
        network = jump_network(definition)
        if definition.jumps:
            base = ModelSystem(dataclasses.replace(definition, jumps=()))
        super().__init__(base, network, network.whole)
        self.nominal = None  # a count has no tolerance
        self.propensities = PropensityKernels(definition, network)
        self._known: tuple[bytes, np.ndarray] | None = None  # parameters and rates of the last path

    @functools.cached_property
    def arrays(self) -> NetworkArrays:
        """The network for the compiled loops."""
        table, channels = self.propensities.table, self.network.channels
        return network_arrays(
            [one.reactants for one in table],
            [one.changes for one in channels],
            [one.reads for one in table],
            self.network.counted,
            self.propensities.addresses,
            [one.targets for one in channels],
            self.propensities.effects,
        )

    @property
    def has_laws(self) -> bool:
        """Whether a propensity is anything but mass action."""
        return any(one.reactants is None for one in self.propensities.table)

    def rates(self, p: np.ndarray) -> np.ndarray:
        """The rate constants of mass action, shape (m,).

        Raises:
            ValueError: one is negative or not finite.
        """
        key = p.tobytes()
        if self._known is not None and self._known[0] == key:
            return self._known[1]
        rates = self.propensities.rates(p)
        for channel, rate in zip(self.network.channels, rates, strict=True):
            if not 0.0 <= rate < np.inf:
                raise ValueError(f"the rate constant of {channel.words} is {rate:g}: it must not be negative")
        self._known = key, rates
        return rates

    def channel(self, j: int) -> Channel:
        """A reaction or jump, for messages."""
        return self.network.channels[j]
