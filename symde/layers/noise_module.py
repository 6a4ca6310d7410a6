"""A model with noise for the torch engine: its printed drift, diffusion and Milstein products."""

from __future__ import annotations

import dataclasses
import functools
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from symde.codegen.noise import NoiseKind
from symde.derive.noise import milstein_products
from symde.language.syntax import Expr
from symde.layers.module import printed
from symde.model.definition import Definition, Observable
from symde.noise_system import NoiseSystem

TOGETHER = NoiseKind.ADDITIVE, NoiseKind.DIAGONAL, NoiseKind.SCALAR
"""Kinds of noise of which no motion changes the coefficients of another."""

_modules: weakref.WeakKeyDictionary[Any, PrintedNoise] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


class PrintedNoise:
    """A model in the sense of Ito as `symde.engine.batched.paths.equation.StochasticEquation`.

    Attributes:
        module: The drift, an `nn.Module` that holds the modules which the model calls.
    """

    def __init__(self, system: NoiseSystem) -> None:
        ito = system.ito
        assert ito.noise is not None
        self._plain = dataclasses.replace(ito, noise=None)
        self.module: Any = printed(self._plain)
        states = {name: row for row, name in enumerate(ito.state_names)}
        motions = {name: column for column, name in enumerate(ito.noise.motions)}
        self._states, self._motions = states, motions
        self.motions = len(motions)
        terms = ito.noise.terms
        self.rows = tuple(states[one.state] for one in terms)
        self.columns = tuple(motions[one.motion] for one in terms)
        self._entries = _Values(self._plain, [one.coefficient for one in terms])
        self._ito, self._noise = ito, system.noise
        self.together = system.noise.kind in TOGETHER
        self._low, self._high = _bounds(ito, 0, -torch.inf), _bounds(ito, 1, torch.inf)
        self._homes: dict[tuple[torch.device, torch.dtype], PlacedNoise] = {}

    @functools.cached_property
    def found_products(self) -> Any:
        """The products of Milstein's method, and their values."""
        found = milstein_products(self._ito)
        return found, _Values(self._plain, [one.value for one in found])

    @functools.cached_property
    def _corrections(self) -> tuple[list[int], _Values]:
        """The products by which Stratonovich's drift differs from Ito's, with places of their states."""
        found = [one for one in milstein_products(self._ito) if one.first == one.second]
        return [self._states[one.state] for one in found], _Values(self._plain, [one.value for one in found])

    @property
    def product_rows(self) -> tuple[int, ...]:
        """State of each product."""
        return tuple(self._states[one.state] for one in self.found_products[0])

    @property
    def product_first(self) -> tuple[int, ...]:
        """First motion of each product."""
        return tuple(self._motions[one.first] for one in self.found_products[0])

    @property
    def product_second(self) -> tuple[int, ...]:
        """Second motion of each product."""
        return tuple(self._motions[one.second] for one in self.found_products[0])

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Motions whose Levy areas the products need."""
        return self._noise.pairs

    @property
    def rhs(self) -> Any:
        """The drift with its Jacobian."""
        return self.module

    def drift(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """f, shape (n, B)."""
        return self.module(t, u, p)

    def diffusion(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The entries of g, shape (entries, B)."""
        return self._entries(t, u, p)

    def products(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """Those of Milstein's method, shape (products, B)."""
        return self.found_products[1](t, u, p)

    def stratonovich(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The drift of the same equation in the sense of Stratonovich."""
        rows, values = self._corrections
        drift = self.module(t, u, p)
        if not rows:
            return drift
        places = torch.tensor(rows, dtype=torch.int64, device=u.device)
        return drift.index_add(0, places, -0.5 * values(t, u, p))

    def on(self, device: torch.device, dtype: torch.dtype) -> PlacedNoise:
        """The same with its domains on a device."""
        found = self._homes.get((device, dtype))
        if found is None:
            found = self._homes[device, dtype] = PlacedNoise(self, device, dtype)
        return found

    def bounds(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor | None, Tensor | None]:
        """Domains of the states, shape (n, 1) each; None where no state has one."""
        if not any(one not in (-torch.inf, torch.inf) for one in (*self._low, *self._high)):
            return None, None
        low, high = (
            torch.tensor(one, dtype=dtype, device=device)[:, None] for one in (self._low, self._high)
        )
        return low, high


class PlacedNoise:
    """A printed model with its domains on one device."""

    def __init__(self, equation: PrintedNoise, device: torch.device, dtype: torch.dtype) -> None:
        self._equation = equation
        self.low, self.high = equation.bounds(device, dtype)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._equation, name)


class _Values:
    """Expressions of a model, printed as its last observed quantities."""

    def __init__(self, definition: Definition, values: Sequence[Expr]) -> None:
        taken = set(definition.state_names) | set(definition.parameter_names)
        taken |= {one.name for one in definition.observables} | {one.name for one in definition.constants}
        names = (f"value_{number}" for number in range(len(values) + len(taken)))
        free = [name for name in names if name not in taken]
        added = tuple(Observable(name, value) for name, value in zip(free, values, strict=False))
        self._first, self._count = len(definition.observables), len(values)
        observables = (*definition.observables, *added)
        self._module: Any = printed(dataclasses.replace(definition, observables=observables))

    def __call__(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        return self._module.observables(t, u, p)[self._first :] if self._count else u[:0]


def _bounds(ito: Definition, side: int, none: float) -> list[float]:
    domains = [one.domain or (None, None) for one in ito.states]
    return [none if one[side] is None else float(one[side]) for one in domains]  # type: ignore[arg-type]


def noise_module_of(system: NoiseSystem) -> PrintedNoise:
    """Drift and diffusion of a model for torch; the same object each time."""
    with _lock:
        found = _modules.get(system)
        if found is None:
            found = _modules[system] = PrintedNoise(system)
        return found
