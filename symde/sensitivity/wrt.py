"""What a derivative is taken by: all or some of the parameters and initial values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
        work: Callable[[], Stats | None] = lambda: None,
        error: Callable[[], Estimate | None] = lambda: None,
    ) -> Gradient:
        """The wishes from the derivatives by all initial values (n,) and by all parameters (m,); the rest is
        what `Gradient` tells."""
        values = {}
        for entry in self.entries:
            every = p if entry.of_parameters else u0
            if entry.single:
                values[entry.name] = every.item(entry.indices[0])
            else:
                part = every.take(entry.indices)
                values[entry.name] = part if entry.shape is None else part.reshape(entry.shape)
        return Gradient(values, sensealg, work, error)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate of a gradient's relative error, and what it was made from."""

    error: float
    source: str


class Gradient(Mapping[str, Any]):
    """A gradient by name: `grad["p"]` of shape (m,), `grad["u0"]` of shape (n,), `grad["k1"]` a number.

    Attributes:
        sensealg: The strategy that found it.
    """

    def __init__(
        self,
        values: dict[str, Any],
        sensealg: str = "",
        work: Callable[[], Stats | None] = lambda: None,
        error: Callable[[], Estimate | None] = lambda: None,
    ) -> None:
        self._values, self.sensealg, self._work, self._estimate = values, sensealg, work, error

    @cached_property
    def stats(self) -> Stats | None:
        """Work of the solve, without that of going back; None where there were several."""
        return self._work()

    @cached_property
    def _estimated(self) -> Estimate | None:
        return self._estimate()

    @property
    def error(self) -> float | None:
        """An estimate of the relative error, max |x (g - g_true)| over max |x g_true| with x what the
        derivative is by; infinite where no tolerance resolves the gradient, None where the strategy estimates
        none.

        It is found when it is first asked for. With "discrete" it takes twice the time of the gradient, and
        calls the loss once more; where the gradient is off by some hundredths, as long as gradients at
        tighter tolerances.
        """
        return None if self._estimated is None else self._estimated.error

    @property
    def error_from(self) -> str | None:
        """What the error was estimated from: "halved steps", or "solves to rtol ..." with the tightest."""
        return None if self._estimated is None else self._estimated.source

    def __getstate__(self) -> dict[str, Any]:
        """All but the way to the error, which leads through memory of solves; the error itself if known."""
        kept = {"_values": self._values, "sensealg": self.sensealg, "stats": self.stats}
        known = {"_estimated": self._estimated} if "_estimated" in self.__dict__ else {}
        return {**kept, **known, "_estimate": _left_behind}

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


class PathGradient(Gradient):
    """A gradient of paths with noise.

    Attributes:
        seed: The one of their random numbers: with it the same call gives the same again.
        n: How many paths there were.
    """

    def __init__(
        self, values: dict[str, Any], sensealg: str, work: Callable[[], Any], seed: int, n: int
    ) -> None:
        super().__init__(values, sensealg, work)
        self.seed, self.n = seed, n

    def __getstate__(self) -> dict[str, Any]:
        """The same, and which paths they were."""
        return {**super().__getstate__(), "seed": self.seed, "n": self.n}


def pair_of(given: Any, example: str) -> tuple[str, str]:
    """Two names between brackets.

    Raises:
        TypeError: they are not two; a text of two letters is one name.
    """
    if not isinstance(given, tuple) or len(given) != 2:
        raise TypeError(f"two names are needed, as in {example}; found {given!r}")
    return given


def _left_behind() -> float:
    raise ValueError(
        "a gradient that was pickled or copied knows its error only if that was asked for before: read "
        "grad.error first"
    )


def wrt_of(wishes: Any, system: System) -> Wrt:
    """What was asked for.

    Args:
        wishes: "u0", "p", the name of a parameter or of an array of them ("net" for all weights of a bound
            network, "net.0.bias"), the name of a state for its initial value (also "y1(0)"), or several of
            these, each counted once.
        system: Knows the names.

    Raises:
        ValueError: a name is unknown, or there is none; the model has no parameters, and nothing else is
            asked for.
        TypeError: not a name, or names without an order.
    """
    try:
        if isinstance(wishes, str):
            return _wrt_of((wishes,), system.parameter_names, system.state_names)
        if isinstance(wishes, set | frozenset):
            raise TypeError("wrt must come in an order, which the gradient keeps: write a list, not a set")
        names: tuple[Any, ...] = tuple(wishes) if isinstance(wishes, Iterable) else (wishes,)
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f'wrt takes names such as "p", "u0" or "k1", found {wishes!r}')
        return _wrt_of(names, system.parameter_names, system.state_names)
    except ValueError:
        _explain_computed((wishes,) if isinstance(wishes, str) else wishes, system)
        raise


def _explain_computed(names: Iterable[str], system: Any) -> None:
    """Refuse names of what is computed from states in words of its own.

    Raises:
        ValueError: there is one.
    """
    computed: Any = getattr(system, "computed", lambda name: None)
    for name in names:
        quantity = computed(name.removesuffix("(0)"))
        if quantity is not None and name not in (*system.parameter_names, *system.state_names):
            raise ValueError(f"wrt: {quantity.without_initial_value()}") from None


@lru_cache(maxsize=256)
def _wrt_of(names: tuple[str, ...], parameters: tuple[str, ...], states: tuple[str, ...]) -> Wrt:
    if not names:
        raise ValueError('wrt is empty: name what to differentiate by, "u0", "p" or names of parameters')
    entries = tuple(_entry(str(name), parameters, states) for name in dict.fromkeys(names))
    chosen = {
        kind: sorted({i for entry in entries if entry.of_parameters is kind for i in entry.indices})
        for kind in (True, False)
    }
    if not (chosen[True] or chosen[False]):
        raise ValueError('wrt="p": the model has no parameters; by its initial values differentiates "u0"')
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
