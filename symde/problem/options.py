"""Options of a solve, checked: every mistake is told with what was expected and found."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symde.diagnostics import suggest
from symde.problem.values import by_name, real, reals

DEFAULT_RTOL, DEFAULT_ATOL = 1e-6, 1e-9
DEFAULT_MAX_STEPS = 1_000_000
DEFAULT_MEMORY = 256 * 2**20
"""Bytes that what an adjoint keeps of the forward solution may take."""

SMALLEST_RTOL = 1e-14
KEPT_TIMES = 10_000
"""Evenly spaced times to save that are remembered for the next solve, at most."""

MOST_POINTS = 1e8
"""Points of a `saveat` spacing: times of 10^9 alone take 8 GB, and the system ends who asks for more."""


def relative_tolerance(rtol: Any) -> float:
    """A relative tolerance in [1e-14, 1), or 0 for none."""
    value = real(rtol, "rtol")
    if value != 0 and not SMALLEST_RTOL <= value < 1:
        raise ValueError(
            f"rtol = {value:g}: it must lie between {SMALLEST_RTOL:g} and 1 (float64 holds no more)"
        )
    return value


def memory_bound(memory: Any) -> int:
    """Bytes, at least one."""
    if memory is DEFAULT_MEMORY:
        return DEFAULT_MEMORY
    value = real(memory, "memory")
    if not 1 <= value < math.inf:
        raise ValueError(
            f"memory = {value:g}: it is the number of bytes that an adjoint may keep, such as 256 * 2**20"
        )
    return int(value)


def absolute_tolerance(atol: Any, names: tuple[str, ...], nominal: np.ndarray | None, rtol: float) -> Any:
    """Absolute tolerance: a number, or an array of shape (n,).

    A single number is scaled by the states' nominal values; values by component or by name are taken as they
    are.
    """
    if type(atol) is float and nominal is None and 0.0 < atol < math.inf:  # the usual case, as it is
        return atol
    if not isinstance(atol, float) and (isinstance(atol, Mapping) or np.ndim(atol)):
        given = by_name(atol, names, "state")
        scale = np.ones(len(names)) if nominal is None else nominal
        values: Any = np.array([given.get(name, DEFAULT_ATOL * scale[i]) for i, name in enumerate(names)])
        smallest = float(values.min()) if len(values) else 0.0
    else:
        smallest = real(atol, "atol")
        values = smallest if nominal is None else smallest * nominal
    if smallest < 0:
        raise ValueError(f"atol = {smallest:g}: it must not be negative")
    if smallest == 0 and rtol == 0:
        raise ValueError("rtol and atol are both zero: no step could be small enough")
    return values


def changed(given: Mapping[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    """Of options of a function those that are not its defaults. A number that someone gave is none, even
    where it is as large: a default may mean nothing to what is solved, and a number does."""
    usual = function.__kwdefaults__ or {}
    return {name: one for name, one in given.items() if is_given(one, usual[name])}


def is_given(value: Any, default: Any) -> bool:
    """Whether an option is not the default itself, nor a word that says the same."""
    if value is default:
        return False
    return isinstance(value, float) or type(value) is not type(default) or value != default


def save_times(saveat: Any, t0: float, t1: float) -> np.ndarray | None:
    """The times to save: a list as it is; a number d means t0, t0 + d, ... and the end."""
    if saveat is None:
        return None
    if type(saveat) is float:
        return _grid(real(saveat, "saveat"), t0, t1)
    times = reals(saveat, "saveat")
    if times.ndim == 0:
        return _grid(real(saveat, "saveat"), t0, t1)
    if times.ndim != 1 or not len(times):
        raise ValueError(f"saveat must be a non-empty list of times, found shape {times.shape}")
    if not _in_order(times, t0, t1):
        raise _disorder(times, t0, t1)
    return times


def _in_order(times: np.ndarray, t0: float, t1: float) -> bool:
    """Whether t0, the times and t1 follow one another in the direction of integration; NaN never does."""
    if len(times) == 1:
        only = times.item(0)
        return t0 <= only <= t1 or t0 >= only >= t1
    forward = t1 > t0
    first, last = times.item(0), times.item(-1)
    if not (t0 <= first and last <= t1 if forward else t0 >= first and last >= t1):
        return False
    ordered = times[:-1] <= times[1:] if forward else times[:-1] >= times[1:]
    return np.count_nonzero(ordered) == len(ordered)  # a quarter of the time of ordered.all()


def _disorder(times: np.ndarray, t0: float, t1: float) -> ValueError:
    """What is wrong with times that are not in order."""
    if not np.isfinite(times).all():
        return ValueError(f"saveat[{int(np.argmin(np.isfinite(times)))}] is not finite")
    first, last = sorted((t0, t1))
    outside = times[(times < first) | (times > last)]
    if len(outside):
        return ValueError(f"saveat contains {outside.item(0)!r}, outside the span {t0:g} to {t1:g}")
    return ValueError(
        "saveat must be in the order of integration " + ("(ascending)" if t1 > t0 else "(descending)")
    )


def _grid(step: float, t0: float, t1: float) -> np.ndarray:
    if step <= 0:
        raise ValueError(f"saveat = {step:g}: a spacing must be positive")
    span = abs(t1 - t0)
    if span / step > MOST_POINTS:
        raise ValueError(f"saveat = {step:g} asks for {span / step:.3g} points: use a larger spacing")
    # a last grid point within rounding of the end is the end
    count = math.ceil(span / step * (1 - 1e-12) - 1e-9)
    return _kept_spacing(step, count, t0, t1) if count <= KEPT_TIMES else _spaced(step, count, t0, t1)


def _spaced(step: float, count: int, t0: float, t1: float) -> np.ndarray:
    times = t0 + math.copysign(step, t1 - t0) * np.arange(count + 1)
    times[-1] = t1
    times.setflags(write=False)
    return times


_kept_spacing = functools.lru_cache(maxsize=16)(_spaced)


def step_size(value: Any, what: str) -> float | None:
    """A positive step size, or None."""
    if value is None:
        return None
    size = real(value, what)
    if size <= 0:
        raise ValueError(f"{what} = {size:g}: a step size must be positive (backward spans need no sign)")
    return size


def truth(value: Any, what: str) -> bool:
    """True or False; a text such as "no" is neither."""
    if not isinstance(value, bool | np.bool_ | int):
        raise TypeError(f"{what} must be True or False, found {value!r}")
    return bool(value)


FOREIGN = {
    "reltol": "rtol",
    "abstol": "atol",
    "t_eval": "saveat",
    "ts": "saveat",
    "teval": "saveat",
    "max_step": "dtmax",
    "first_step": "dt0",
    "dt": "dt0",
    "alg": "method",
    "solver": "method",
    "maxiters": "max_steps",
    "dense_output": "dense",
    "save_at": "saveat",
    "tstops": "saveat",
    "adjoint": "sensealg",
    "sensitivity": "sensealg",
    "argnums": "wrt",
}
"""Options as other programs call them, and what does their work here."""


def refuse_unknown(unknown: Mapping[str, Any], function: Callable[..., Any]) -> None:
    """Refuse options that a function does not have, with the one that was meant.

    Raises:
        TypeError: there are any.
    """
    known = ("method", *(function.__kwdefaults__ or ()))
    for name in unknown:
        meant = FOREIGN.get(name) or suggest(name, known)
        hint = f"did you mean `{meant}`?" if meant in known else f"there are {', '.join(known)}"
        called = function.__qualname__.removesuffix(".__init__")
        raise TypeError(f"{called} has no option `{name}`: {hint}")


def count(value: Any, what: str) -> int:
    """A positive whole number."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be a whole number, found {value!r}") from None
    if number < 1 or isinstance(value, bool):
        raise ValueError(f"{what} = {value!r}: it must be a positive whole number")
    return number


def step_limit(value: Any) -> int:
    """A positive number of steps."""
    number = real(value, "max_steps")
    if number < 1 or number != int(number):
        raise ValueError(f"max_steps = {value!r}: it must be a positive whole number")
    return min(int(number), 2**62)
