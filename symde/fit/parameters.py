"""What is estimated, and the coordinates in which it is searched: logarithms or multiples of a scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symde.problem.problem import Problem, remake
from symde.problem.values import real, unknown_name

INITIAL = "(0)"
LOG, LINEAR = "log", "linear"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One estimated number.

    Attributes:
        name: A parameter, or "x(0)" for the initial value of the state x.
        start: Where the search starts.
        low, high: Bounds, which may be infinite.
        log: Whether it is searched by its logarithm; it is positive then.
        scale: Its unit in the search where it is not.
    """

    name: str
    start: float
    low: float
    high: float
    log: bool
    scale: float

    @property
    def state(self) -> str | None:
        """The state whose initial value it is, None for a parameter of the model."""
        return self.name.removesuffix(INITIAL) if self.name.endswith(INITIAL) else None


class Parameters(Sequence[Parameter]):
    """What is estimated, in order; `theta` are their coordinates in the search, shape (k,)."""

    def __init__(self, members: Sequence[Parameter]) -> None:
        self._members = tuple(members)
        self.names = tuple(one.name for one in members)
        self.logs = np.array([one.log for one in members], dtype=bool)
        self._scale = np.array([1.0 if one.log else one.scale for one in members])

    def __getitem__(self, index: Any) -> Any:
        return self._members[index]

    def __len__(self) -> int:
        return len(self._members)

    def values(self, theta: np.ndarray) -> np.ndarray:
        """The numbers themselves; bounds are kept to the last digit."""
        with np.errstate(over="ignore"):
            x = np.where(self.logs, np.exp(np.where(self.logs, theta, 0.0)), theta * self._scale)
        return np.clip(x, self.low, self.high)

    def theta(self, values: np.ndarray) -> np.ndarray:
        """The coordinates of numbers."""
        with np.errstate(divide="ignore"):
            return np.where(self.logs, np.log(np.where(self.logs, values, 1.0)), values / self._scale)

    def slopes(self, values: np.ndarray) -> np.ndarray:
        """Derivative of each number by its coordinate."""
        return np.where(self.logs, values, self._scale)

    @cached_property
    def low(self) -> np.ndarray:
        """Lower bounds of the numbers."""
        return np.array([one.low for one in self._members])

    @cached_property
    def high(self) -> np.ndarray:
        """Upper bounds of the numbers."""
        return np.array([one.high for one in self._members])

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of the coordinates."""
        return self.theta(self.low), self.theta(self.high)

    @cached_property
    def start(self) -> np.ndarray:
        """Coordinates of the start."""
        return self.theta(np.array([one.start for one in self._members]))

    def put(
        self, problem: Problem, values: np.ndarray, chosen: Sequence[int] | np.ndarray | None = None
    ) -> Problem:
        """The problem with these numbers, or with those of some of the parameters."""
        p, u0 = {}, {}
        for index in range(len(self)) if chosen is None else chosen:
            one, value = self._members[index], float(values[index])
            if one.state is None:
                p[one.name] = value
            else:
                u0[one.state] = value
        return remake(problem, p=p, u0=u0) if u0 else remake(problem, p=p)


def parameters_of(
    problem: Problem, wanted: Any, bounds: Mapping[str, Any] | None, scale: Any, fixed: Sequence[set[str]]
) -> Parameters:
    """What is to be estimated.

    Args:
        problem: Has the starting values; its model's text may have bounds and nominal sizes.
        wanted: Names of parameters and of states for their initial values; a mapping of names to starting
            values; None: all parameters.
        bounds: Bounds by name, in place of the text's.
        scale: "log" or "linear" for all, or by name. Default: by logarithm where the lower bound is 0 or more
            and the start positive.
        fixed: Names that each experiment sets itself.

    Raises:
        ValueError, TypeError: a name is unknown or set by every experiment, bounds hold nothing or not the
            start, or a number without logarithm is to be searched by it.
    """
    system: Any = problem.system
    if wanted is None:
        names = [name for name in system.parameter_names if not all(name in one for one in fixed)]
    else:
        names = [_name(one, system) for one in ((wanted,) if isinstance(wanted, str) else wanted)]
    if not names:
        raise ValueError("nothing is to be estimated: name the parameters, parameters=[...]")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))} is named twice in parameters")
    for name in names:
        if fixed and all(name in one for one in fixed):
            raise ValueError(f"{name} is set by every experiment, so that the data say nothing of it")
    starts = {_name(k, system): v for k, v in wanted.items()} if isinstance(wanted, Mapping) else {}
    if bounds is not None and not hasattr(bounds, "items"):
        raise TypeError(f"bounds go by name, bounds={{{names[0]!r}: (low, high)}}, found {bounds!r:.100}")
    ranges = {_name(k, system): v for k, v in (bounds or {}).items()}
    scales = {_name(k, system): v for k, v in scale.items()} if isinstance(scale, Mapping) else {}
    for given, what in ((ranges, "bounds"), (scales, "scale")):
        for name in given:
            if name not in names:
                raise ValueError(f"{what} names {name}, which is not estimated: that are {', '.join(names)}")
    chosen = None if isinstance(scale, Mapping) else scale
    return Parameters(
        [
            _parameter(name, problem, starts.get(name), ranges.get(name), scales.get(name, chosen))
            for name in names
        ]
    )


def _name(given: Any, system: Any) -> str:
    """The full name of a parameter, or of the initial value of a state."""
    name = str(given)
    if name in system.parameter_names:
        return name
    state = name.removesuffix(INITIAL)
    if state in system.state_names:
        return f"{state}{INITIAL}"
    known = (*system.parameter_names, *(f"{one}{INITIAL}" for one in system.state_names))
    raise unknown_name(name, "parameter or initial value", known)


def _parameter(name: str, problem: Problem, start: Any, bounds: Any, scale: Any) -> Parameter:
    system: Any = problem.system
    if name.endswith(INITIAL) and name not in system.parameter_names:
        index = system.state_names.index(name.removesuffix(INITIAL))
        declared, now, limits = system.definition.states[index], problem.u0[index], None
    else:
        index = system.parameter_names.index(name)
        declared, now = system.definition.parameters[index], problem.p[index]
        limits = declared.bounds
    value = real(now if start is None else start, f"start of {name}")
    low, high = _bounds(name, bounds if bounds is not None else limits)
    if not low <= value <= high:
        raise ValueError(
            f"{name} starts at {value:g}, outside its bounds {low:g} to {high:g}: start it elsewhere, "
            f"parameters={{{name!r}: ...}}, or give it others, bounds={{{name!r}: (..., ...)}}"
        )
    if scale not in (None, LOG, LINEAR):
        raise ValueError(f"the scale of {name} must be 'log' or 'linear', found {scale!r}")
    if scale == LOG and (value <= 0.0 or low < 0.0 < high and bounds is not None):
        raise ValueError(
            f"{name} starts at {value:g} in {low:g} to {high:g}: its logarithm needs it positive"
        )
    log = scale == LOG or (scale is None and low >= 0.0 and value > 0.0)
    return Parameter(name, value, max(low, 0.0) if log else low, high, log, _size(value, low, high, declared))


def _bounds(name: str, given: Any) -> tuple[float, float]:
    if given is None:
        return -math.inf, math.inf
    try:
        low, high = (float(one) if one is not None else math.nan for one in given)
    except (TypeError, ValueError):
        raise ValueError(f"bounds of {name} must be two numbers (low, high), found {given!r}") from None
    low, high = -math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high
    if not low < high:
        raise ValueError(f"bounds of {name} hold nothing: {low:g} to {high:g}")
    return low, high


def _size(value: float, low: float, high: float, declared: Any) -> float:
    """A typical size: what the text says, else that of the start, else that of the bounds."""
    if declared.nominal is not None:
        return float(declared.nominal)
    if value != 0.0:
        return abs(value)
    return high - low if math.isfinite(high - low) else 1.0
