"""What a derivative is taken by: all or some of the parameters and initial values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from symde.problem.arrays import arrays_of
from symde.problem.stats import Stats
from symde.problem.system import System
from symde.problem.values import unknown_name

ALL_INITIAL, ALL_PARAMETERS = "u0", "p"


@dataclass(frozen=True, slots=True)
class Entry:
    """One wish: its name, and the indices of the parameters or of the initial values it means.

    Attributes:
        shape: Of the derivative by an array of parameters; None: one after another.
    """

    name: str
    of_parameters: bool
    indices: tuple[int, ...]
    single: bool
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Wrt:
    """What a derivative is taken by.

    Attributes:
        entries: The wishes, in their order.
        parameters: Indices of all parameters wished for, ascending.
        states: Indices of all initial values wished for, ascending.
    """

    entries: tuple[Entry, ...]
    parameters: tuple[int, ...]
    states: tuple[int, ...]

    def gradient(
        self,
        u0: np.ndarray,
        p: np.ndarray,
        sensealg: str = "",
        stats: Stats | None = None,
        error: Callable[[], float | None] = lambda: None,
    ) -> Gradient:
        """The wishes from the derivatives by all initial values (n,) and by all parameters (m,); the rest is
        what `Gradient` tells."""
        values = {}
        for entry in self.entries:
            part = (p if entry.of_parameters else u0)[list(entry.indices)]
            if entry.shape is not None:
                part = part.reshape(entry.shape)
            values[entry.name] = float(part[0]) if entry.single else part
        return Gradient(values, sensealg, stats, error)


class Gradient(Mapping[str, Any]):
    """A gradient by name: `grad["p"]` of shape (m,), `grad["u0"]` of shape (n,), `grad["k1"]` a number.

    Attributes:
        sensealg: The strategy that found it.
        stats: Work of the solve, without that of going back.
    """

    def __init__(
        self,
        values: dict[str, Any],
        sensealg: str = "",
        stats: Stats | None = None,
        error: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._values, self.sensealg, self.stats, self._estimate = values, sensealg, stats, error

    @cached_property
    def error(self) -> float | None:
        """An estimate of the relative error, max |x (g - g_true)| over max |x g_true| with x what the
        derivative is by; infinite where the gradient is not resolved at all, None where the strategy
        estimates none.

        It is found when it is first asked for. With "discrete" it takes twice the time of the gradient, and
        calls the loss once more.
        """
        return self._estimate()

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            raise KeyError(f"{name!r} was not differentiated by: this gradient has {', '.join(self._values)}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Gradient({self._values!r})"

    def vector(self) -> np.ndarray:
        """All parts one after another."""
        return np.concatenate([np.ravel(value) for value in self._values.values()])


def wrt_of(wishes: Any, system: System) -> Wrt:
    """What was asked for.

    Args:
        wishes: "u0", "p", the name of a parameter or of an array of them ("net" for all weights of a bound
            network, "net.0.bias"), the name of a state for its initial value (also "y1(0)"), or several of
            these.
        system: Knows the names.

    Raises:
        ValueError: a name is unknown, or there is none. TypeError: not a name.
    """
    names: tuple[Any, ...] = (wishes,) if isinstance(wishes, str) else tuple(wishes)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f'wrt takes names such as "p", "u0" or "k1", found {wishes!r}')
    return _wrt_of(names, system.parameter_names, system.state_names)


@lru_cache(maxsize=256)
def _wrt_of(names: tuple[str, ...], parameters: tuple[str, ...], states: tuple[str, ...]) -> Wrt:
    if not names:
        raise ValueError('wrt is empty: name what to differentiate by, "u0", "p" or names of parameters')
    entries = tuple(_entry(name, parameters, states) for name in names)
    chosen = {
        kind: sorted({i for entry in entries if entry.of_parameters is kind for i in entry.indices})
        for kind in (True, False)
    }
    return Wrt(entries, tuple(chosen[True]), tuple(chosen[False]))


def _entry(wish: str, parameters: tuple[str, ...], states: tuple[str, ...]) -> Entry:
    # the two words come first: a parameter called p is reached as part of all
    if wish == ALL_PARAMETERS:
        return Entry(wish, True, tuple(range(len(parameters))), False)
    if wish == ALL_INITIAL:
        return Entry(wish, False, tuple(range(len(states))), False)
    if wish in parameters:
        return Entry(wish, True, (parameters.index(wish),), True)
    array = arrays_of(parameters).get(wish)
    if array is not None:
        return Entry(wish, True, tuple(range(array.start, array.stop)), False, array.shape)
    state = wish.removesuffix("(0)")
    if state in states:
        return Entry(wish, False, (states.index(state),), True)
    raise unknown_name(wish, "parameter or state", (ALL_INITIAL, ALL_PARAMETERS, *parameters, *states))
