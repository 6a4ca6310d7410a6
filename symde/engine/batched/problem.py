"""A batch to be solved: its tensors checked, its options read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched import lanes
from symde.engine.batched.families import check_family, is_implicit
from symde.engine.methods import registry

SMALLEST_STIFF_FLOAT32 = 1e-5
"""Relative tolerance below which float32 does not carry a stiff solve: ROBER then takes twice the steps and
its error stays at 1e-5."""

_TYPES = (torch.float64, torch.float32)


@dataclass(frozen=True, slots=True)
class Options:
    """What a solve is told beside its tensors.

    Attributes:
        method: A method object.
        rtol: Relative tolerance.
        atol: Absolute tolerance, a number or a tensor (n,).
        direction: 1.0 or -1.0.
        dt0, dtmax: First and largest step size, or None.
        max_steps: Largest number of attempts.
        compiled: Whether torch compiles the step.
        norm: Gives the norm (B,) of scaled errors (n, B); None for the root mean square.
    """

    method: Any
    rtol: float
    atol: Any
    direction: float
    dt0: float | None
    dtmax: float
    max_steps: int
    compiled: bool
    norm: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A batch to be solved.

    Attributes:
        rhs: f(t, u, p).
        u0, p: Shape (n, B); (m, B), (m, 1) or None.
        t0, t1: Shape (B,), float64.
        times: Times to save, shape (T,) or (T, B), float64; None: the end.
        options: The rest.
        modules: What the right-hand side is made of.
        weights: Their parameters that are to be differentiated.
        extent: Numbers in all of their parameters: what an evaluation costs beside the operations' own cost.
        backward: Options of the adjoint equation; None for those of the solve.
        slopes: f at the start, shape (n, B), where it is known.
        events: What happens on the way, see `symde.engine.batched.events.interface`; None: nothing.
    """

    rhs: Any
    u0: Tensor
    p: Tensor | None
    t0: Tensor
    t1: Tensor
    times: Tensor | None
    options: Options
    modules: tuple[torch.nn.Module, ...]
    weights: tuple[Tensor, ...]
    extent: int = 0
    backward: Options | None = None
    slopes: Tensor | None = None
    events: Any = None

    def filled(self, count: int, wanted: int) -> Batch:
        """The same with copies of the last member, see `symde.engine.batched.lanes`."""
        if wanted == count:
            return self
        u0, t0, t1 = (lanes.filled(one, count, wanted) for one in (self.u0, self.t0, self.t1))
        times = self.times
        if times is not None and times.ndim == 2:
            times = lanes.filled(times, count, wanted)
        # parameters that all members share are of one column
        p = (
            self.p
            if self.p is None or self.p.shape[1] != count or count == 1
            else lanes.filled(self.p, count, wanted)
        )
        return replace(self, u0=u0, p=p, t0=t0, t1=t1, times=times)

    @property
    def wants_gradient(self) -> bool:
        """Whether anything is to be differentiated."""
        inputs = (self.u0, self.p, self.t0, self.t1, self.times)
        return bool(self.weights) or any(one is not None and one.requires_grad for one in inputs)


def read_options(
    u0: Tensor, t0: Tensor, t1: Tensor, method: Any, rtol: float, atol: Any,
    dt0: float | None, dtmax: float | None, max_steps: int, compiled: bool,
) -> Options:  # fmt: skip
    """The options, checked against the tensors.

    Raises:
        ValueError, TypeError: one is not what it should be, or does not go with the others.
    """
    method = registry.get(method)
    check_family(method)
    if not method.adaptive and dt0 is None:
        raise ValueError(f"{method.name} has no error estimate: give its step size as dt0=...")
    if compiled and method.family == "esdirk":
        raise ValueError(
            f"compile=True: {method.name} iterates until all members have converged, which torch does not "
            f"compile; use Rodas5P, or leave compile out"
        )
    if not 0.0 <= rtol < 1.0:
        raise ValueError(f"rtol = {rtol:g}: it must lie between 0 and 1")
    _check_absolute(atol, len(u0))
    for what, size in (("dt0", dt0), ("dtmax", dtmax)):
        if size is not None and not size > 0.0:
            raise ValueError(f"{what} = {size:g}: it must be above 0, backward in time too")
    if not max_steps >= 1:
        raise ValueError(f"max_steps = {max_steps:g}: it must be 1 or more")
    if not bool(torch.isfinite(t0).all() & torch.isfinite(t1).all()):
        raise ValueError("t0 and t1 must be finite")
    if u0.dtype == torch.float32 and is_implicit(method) and rtol < SMALLEST_STIFF_FLOAT32:
        raise ValueError(
            f"rtol = {rtol:g} with float32 states: {method.name} reaches about 1e-5 in float32; use "
            f"u0.double(), or rtol=1e-5"
        )
    return Options(
        method, float(rtol), atol, _direction(t0, t1), dt0, math.inf if dtmax is None else dtmax,
        int(max_steps), compiled,
    )  # fmt: skip


def _check_absolute(atol: Any, states: int) -> None:
    if isinstance(atol, float) and atol >= 0.0:
        return
    given = torch.as_tensor(atol, dtype=torch.float64)
    if given.ndim > 1 or given.numel() not in (1, states):
        raise ValueError(f"atol must be a number or of shape ({states},), found {tuple(given.shape)}")
    if not bool((given >= 0.0).all()):
        raise ValueError("atol must be 0 or more")


def _direction(t0: Tensor, t1: Tensor) -> float:
    forward = bool((t1 >= t0).all())
    if not forward and not bool((t1 <= t0).all()):
        raise ValueError("some members run forward in time and some backward: solve them apart")
    return 1.0 if forward else -1.0


def check_states(u0: Any) -> None:
    """Refuse initial states that are no (n, B) tensor of floats.

    Raises:
        TypeError, ValueError: they are not.
    """
    if not isinstance(u0, Tensor):
        raise TypeError(f"u0 must be a tensor of shape (n, B), found {type(u0).__name__}")
    if u0.dtype not in _TYPES:
        raise TypeError(f"u0 must be float64 or float32, found {u0.dtype}: write u0.double()")
    if u0.ndim != 2 or not u0.numel():
        raise ValueError(f"u0 must be of shape (n, B), one column a member, found {tuple(u0.shape)}")


def check_parameters(p: Any, u0: Tensor) -> None:
    """Refuse parameters that do not go with the states.

    Raises:
        TypeError, ValueError: they do not.
    """
    if p is None:
        return
    if not isinstance(p, Tensor):
        raise TypeError(f"p must be a tensor of shape (m, B) or (m, 1), found {type(p).__name__}")
    if p.ndim != 2 or p.shape[1] not in (1, u0.shape[1]):
        raise ValueError(
            f"p must be of shape (m, {u0.shape[1]}) or (m, 1), as u0 is of shape {tuple(u0.shape)}; "
            f"found {tuple(p.shape)}"
        )
    if p.dtype != u0.dtype:
        raise TypeError(f"p is {p.dtype} and u0 {u0.dtype}: write p.to(u0.dtype)")
    if p.device != u0.device:
        raise ValueError(f"p is on {p.device} and u0 on {u0.device}: write p.to(u0.device)")


def times_like(value: Any, u0: Tensor, what: str) -> Tensor:
    """A time for every member, shape (B,), float64; differentiable where the value is.

    Raises:
        ValueError: it is neither one number nor one for each member.
    """
    time = torch.as_tensor(value, dtype=torch.float64, device=u0.device)
    if time.ndim > 1 or (time.ndim == 1 and time.shape[0] not in (1, u0.shape[1])):
        raise ValueError(f"{what} must be one time or {u0.shape[1]}, found shape {tuple(time.shape)}")
    return time.reshape(-1).expand(u0.shape[1])


def save_times(saveat: Any, u0: Tensor, t0: Tensor, t1: Tensor, direction: float) -> Tensor | None:
    """Times to save, shape (T,) or (T, B), float64, in order and within every member's span.

    Raises:
        ValueError: they are not.
    """
    if saveat is None:
        return None
    times = torch.as_tensor(saveat, dtype=torch.float64, device=u0.device)
    if times.ndim not in (1, 2) or not len(times) or times.shape[1:] not in ((), u0.shape[1:]):
        raise ValueError(
            f"saveat must be a list of times, or of shape (T, {u0.shape[1]}), found {tuple(times.shape)}"
        )
    plain = times.detach()
    ordered = direction * plain
    inside = (ordered[0] >= direction * t0).all() & (ordered[-1] <= direction * t1).all()
    if bool(inside & (ordered[1:] >= ordered[:-1]).all()):
        return times
    if bool((torch.diff(ordered, dim=0) < 0).any()) or not bool(torch.isfinite(plain).all()):
        order = "ascending" if direction > 0 else "descending"
        raise ValueError(f"saveat must be finite and in the order of integration ({order})")
    raise ValueError("saveat contains times outside the span of some member")
