"""What a solve gives back."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.problem.retcode import Retcode
from symde.problem.stats import Stats
from symde.problem.values import reals, unknown_name

if TYPE_CHECKING:
    from symde.problem.dense import DenseOutput
    from symde.problem.event_record import EventRecord, HasRecords
    from symde.problem.problem import Problem


class Solution:
    """Solution of an initial value problem.

    Attributes:
        t: Saved times, shape (n_times,).
        u: Saved states, shape (n_times, n).
        problem: The problem that was solved.
        retcode: How the solve ended.
        message: The same as a sentence, with what to try where it failed.
        stats: Counts of the work done.
        method: The methods used, the one it began with first.
        dense: The continuous solution, or None where only points were saved.
    """

    __slots__ = (
        "_counters",
        "_events",
        "_seconds",
        "dense",
        "message",
        "method",
        "problem",
        "retcode",
        "t",
        "u",
    )

    def __init__(
        self,
        problem: Problem,
        t: np.ndarray,
        u: np.ndarray,
        retcode: Retcode,
        dense: DenseOutput | None = None,
        counters: Any = None,
        seconds: float = 0.0,
        method: tuple[Any, ...] = (),
        message: str = "",
        events: tuple[EventRecord, ...] | HasRecords = (),
    ) -> None:
        self.problem, self.t, self.u, self.retcode = problem, t, u, retcode
        self.dense, self.method = dense, method
        self._counters, self._seconds = counters, seconds
        self.message = message or retcode.sentence
        self._events = events

    @property
    def events(self) -> tuple[EventRecord, ...]:
        """Events that happened, in their order."""
        if not isinstance(self._events, tuple):
            self._events = self._events.records()
        return self._events

    @property
    def happened(self) -> tuple[EventRecord, ...] | HasRecords:
        """The events, or what tells them when they are asked for: for many solutions, of which few are."""
        return self._events

    @property
    def stats(self) -> Stats:
        """Counts of the work done."""
        return self.work()()

    def work(self) -> Callable[[], Stats]:
        """What gives the counts when they are wanted, and keeps nothing of the solution."""
        return functools.partial(Stats.of, self._counters, self._seconds)

    @property
    def residuals(self) -> dict[str, np.ndarray]:
        """What is left at the saved times, shape (n_times,), of each equation without a derivative and of
        each constraint, by its text; empty for a model that has none."""
        constraints = getattr(self.problem.system, "constraints", None)
        return {} if constraints is None else constraints.residuals(self.t, self.u, self.problem.p, self)

    @property
    def success(self) -> bool:
        """Whether the solution covers what was asked for."""
        return self.retcode.success

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the states, in the order of the columns of `u`."""
        return self.problem.system.state_names

    def __getitem__(self, name: Any) -> np.ndarray:
        """A state, observed quantity or parameter by name, at the saved times: shape (n_times,).

        An integer gives the state of that index.
        """
        if isinstance(name, int | np.integer) and not isinstance(name, bool | np.timedelta64):
            if not -len(self.names) <= name < len(self.names):
                raise IndexError(f"there is no state of index {name}: the model has {len(self.names)}")
            return self.u[:, name]
        return self.named(name, self.t, self.u)

    def named(self, name: Any, t: np.ndarray, u: np.ndarray) -> np.ndarray:
        """A quantity by name at some times t, shape (n_times,), and states u, shape (n_times, n)."""
        system, name = self.problem.system, str(name)  # a sympy symbol is as good as its name
        if name in system.state_names:
            return u[:, system.state_names.index(name)]
        if name in system.observable_names:
            if system.delays and self.dense is None and name in system.past_observables:
                raise ValueError(
                    f"`{name}` reads delayed values, and only the points of saveat were kept: solve with "
                    "dense=True"
                )
            values = system.observe(t, u, self.problem.p, self)
            return values[:, system.observable_names.index(name)]
        if name in system.parameter_names:
            return np.full(len(t), self.problem.p[system.parameter_names.index(name)])
        if name == "t":
            return t
        known = (*system.state_names, *system.observable_names, *system.parameter_names)
        raise unknown_name(name, "quantity", known)

    def __call__(self, t: Any, names: str | Sequence[str] | None = None, side: str = "right") -> np.ndarray:
        """The solution at any time of its span, from the method's own interpolant.

        Args:
            t: A time, or an array of times.
            names: One quantity or several; default: all states.
            side: At the time of an event the state after it ("right") or before it ("left").

        Returns:
            Shape (n,) for one time and (len(t), n) for several; without the last axis for a single name.

        Raises:
            ValueError: a time is outside the span, or no interpolant was kept (`saveat` without
            `dense=True`).
        """
        if self.dense is None:
            if not len(self.t) or (self.t[0] == self.t[-1] == self.problem.tspan[0]):
                raise ValueError(f"no step was taken, so there is nothing to evaluate: {self.message}")
            raise ValueError(
                "only the points of saveat were kept: solve with dense=True to evaluate anywhere"
            )
        times = reals(t, "t")
        flat = np.atleast_1d(times)
        if flat.ndim > 1:
            raise ValueError(f"times must be a number or one-dimensional, found shape {times.shape}")
        values = self.dense(flat, side)
        if isinstance(names, str):
            values = self.named(names, flat, values)
        elif names is not None:
            names = _listed(names)
            values = np.stack([self.named(name, flat, values) for name in names], axis=1)
        return values[0] if times.ndim == 0 else values

    def __len__(self) -> int:
        return len(self.t)

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """Pairs (t, u)."""
        return iter(zip(self.t.tolist(), self.u, strict=True))

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g}..{self.t[-1]:g}" if len(self.t) else "no points"
        counts = self.stats
        states = "1 state" if len(self.names) == 1 else f"{len(self.names)} states"
        return (
            f"<Solution {self.retcode}: {len(self.t)} points, {span}, {states} "
            f"({', '.join(self.names[:6])}{', ...' if len(self.names) > 6 else ''}); "
            f"{counts.accepted} steps, {counts.rejected} rejected>"
        )

    def citations(self) -> list[str]:
        """The publications of the methods used."""
        return [method.citation for method in self.method]

    def __getattr__(self, name: str) -> Any:
        accessor = _accessors.get(name)
        if accessor is None:
            raise AttributeError(f"Solution has no attribute {name!r}")
        if isinstance(accessor, str):
            module, _, function = accessor.partition(":")
            accessor = _accessors[name] = getattr(importlib.import_module(module), function)
        return functools.partial(accessor, self)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_accessors]


def _listed(names: Any) -> list[Any]:
    """Several quantities as a list that holds one at least."""
    try:
        listed = list(names)
    except TypeError:
        raise TypeError(f"names must be a name or a list of names, found {names!r}") from None
    if not listed:
        raise ValueError("names is empty: name a quantity, or leave it out for all states")
    return listed


_accessors: dict[str, Callable[..., Any] | str] = {
    "plot": "symde.plot:plot",
    "to_pandas": "symde.frames:to_pandas",
    "to_xarray": "symde.frames:to_xarray",
}


def register_accessor(name: str, function: Callable[..., Any] | str) -> None:
    """Make `function(solution, ...)` available as `solution.name(...)`.

    Args:
        name: What solutions call it.
        function: The function, or where it lies as "module:name"; then it is imported when first used.
    """
    _accessors[name] = function


class SolveError(RuntimeError):
    """A solve that did not reach its end. `solution` holds the part that was computed."""

    def __init__(self, message: str, solution: Solution) -> None:
        super().__init__(message)
        self.solution = solution

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.solution)

    @property
    def retcode(self) -> Retcode:
        """Why the solve ended."""
        return self.solution.retcode


class SolveInterrupted(KeyboardInterrupt):
    """A solve interrupted by Ctrl-C. `solution` holds the part that was computed."""

    def __init__(self, message: str, solution: Solution) -> None:
        super().__init__(message)
        self.solution = solution

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.solution)
