"""What a problem knows of its model: names, values and what a failure needs, never symbols."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symde.problem.traits import Traits


@dataclass(frozen=True, slots=True)
class Equation:
    """An equation in the modeller's words, for messages; `line` is 0 where there is no text."""

    state: str
    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class NonFinite:
    """The first subexpression that is not finite although everything it is made of is."""

    expression: str
    value: float
    line: int
    arguments: tuple[tuple[str, float], ...]


class Equations(Protocol):
    """Equations made ready for the engine, whatever they belong to."""

    kernels: Any
    sessions: dict[Any, list[Any]]  # solver memory kept between solves


class System(Equations, Protocol):
    """A model made ready for solving."""

    state_names: tuple[str, ...]
    parameter_names: tuple[str, ...]
    observable_names: tuple[str, ...]

    @property
    def nominal(self) -> np.ndarray | None:
        """Scale of each state's absolute tolerance; None: all 1."""
        ...

    compiled: bool  # False where every evaluation calls Python
    delays: bool  # whether the past is read
    split: bool  # whether a stiff part of the right-hand side is told apart
    plans: Any  # options of earlier solves, checked, and what they lead to; None before the first
    solved: Any  # the system that is solved for it, itself or one made from it; None before it is known

    @property
    def traits(self) -> Traits:
        """What the choice of methods must know."""
        ...

    def parameters(self, given: Mapping[str, float]) -> np.ndarray:
        """All parameters; those not given follow their defaults. KeyError names one without a value."""
        ...

    def initial_state(self, p: np.ndarray, t0: float, given: Mapping[str, float]) -> np.ndarray:
        """The initial state. KeyError names a state without a value."""
        ...

    def time_span(self, p: np.ndarray) -> tuple[float, float] | None:
        """The model's own time span, if it states one."""
        ...

    @property
    def past_observables(self) -> frozenset[str]:
        """Names of the observed quantities that read delayed values."""
        ...

    def observe(self, t: np.ndarray, u: np.ndarray, p: np.ndarray, solution: Any = None) -> np.ndarray:
        """Observed quantities, shape (n_times, n_observables); `solution` is whose they are."""
        ...

    def unit(self, name: str) -> str | None:
        """The unit a state or parameter was declared with."""
        ...

    def equation(self, index: int) -> Equation:
        """The equation of a state."""
        ...

    def non_finite(self, t: float, u: np.ndarray, p: np.ndarray) -> NonFinite | None:
        """The first non-finite subexpression of the right-hand side or its Jacobian."""
        ...

    def slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The right-hand side, shape (n,)."""
        ...

    def take_error(self) -> BaseException | None:
        """The exception a user's function raised inside a kernel, once."""
        ...


def refuse_delays(system: Any, what: str) -> None:
    """Refuse a model that reads the past where only ordinary differential equations are known.

    Raises:
        ValueError: it does.
    """
    if system.delays:
        raise ValueError(
            f"{what} does not know models with delays: solve them with symde.solve, and differentiate them "
            "by sensealg='forward' or 'discrete' or, where delays are constant, 'interpolating'"
        )


Lowering = Callable[[Any, int | None, int | None], "tuple[System, Any] | None"]
_lowerings: list[Lowering] = []


def register_lowering(lower: Lowering) -> None:
    """Announce a way to make (system, model) from (model, n, m); None for what it does not know."""
    _lowerings.append(lower)


def system_of(model: Any, n: int | None = None, m: int | None = None) -> tuple[System, Any]:
    """The system of a model, and the model itself, which a text has become.

    A plain function needs its numbers of states n and of parameters m.

    Raises:
        TypeError: nothing knows how to solve such an object.
    """
    if not _lowerings:  # a problem that another process sent comes before anybody has asked for a solve
        importlib.import_module("symde.solve")
    for lower in _lowerings:
        found = lower(model, n, m)
        if found is not None:
            return found
    raise TypeError(
        "expected a model (symde.ode_def(text) or symde.load(path)), a model text or a function f(u, p, t); "
        f"found {type(model).__name__}"
    )


Reading = Callable[[System, Any], System]
_readings: dict[str, Reading] = {}

_ODE, _JUMP, _SDE = "ode", "jump", "sde"


def register_reading(kind: str, read: Reading) -> None:
    """Announce how a system and its model are read in another way than as differential equations."""
    _readings[kind] = read


def read_as(kind: str | None, system: System, model: Any) -> tuple[str | None, System]:
    """The reading of a model, and its system so read; None is the model's own, "sde" for one with noise,
    "jump" for one with jumps and without.

    Raises:
        ValueError: there is no such reading, or the model does not have it.
    """
    has_jumps, has_noise = bool(getattr(model, "jumps", ())), bool(getattr(model, "noise", None))
    if kind is None and (has_jumps or has_noise):
        kind = _SDE if has_noise else _JUMP
    if kind is None or (kind == _ODE and not (has_jumps or has_noise)):
        return kind, system
    if kind == _ODE:
        what = "jumps" if has_jumps else "noise"
        raise ValueError(
            f"the model has {what}, which no ordinary differential equation tells of: leave out kind='ode'"
        )
    if kind not in _readings:
        known = ", ".join(repr(one) for one in (_ODE, *_readings))
        raise ValueError(f"unknown kind {kind!r}: a model is read as {known}")
    return kind, _readings[kind](system, model)
