"""What a layer is given, as tensors of the shapes that the bridge takes.

Every mistake is told with what was expected and found.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.layers.bridge.specification import Specification
from symde.layers.bridge.start import Start
from symde.problem import options
from symde.problem.values import real, reals, unknown_name

FLOATS = (torch.float64, torch.float32)


def checked(x: Tensor, what: str) -> Tensor:
    """A tensor that the engine can read.

    Raises:
        TypeError: its type or device is another.
    """
    if x.dtype not in FLOATS:
        if x.is_complex():
            raise TypeError(f"{what} is complex: symde solves real equations; split it into two states")
        remedy = ".float()" if x.is_floating_point() else ".double()"
        raise TypeError(f"{what} must be float64 or float32, found {x.dtype}: write {remedy}")
    if x.device.type != "cpu":
        raise TypeError(f"{what} is on {x.device}, and the compiled engine runs on the CPU: write .cpu()")
    if x.layout is not torch.strided:
        raise TypeError(f"{what} must be a dense tensor, found {x.layout}: write .to_dense()")
    return x


def parameters(p: Any, names: Sequence[str]) -> Tensor | dict[int, Any] | None:
    """All parameters, or some by index; None where none are given.

    Raises:
        TypeError: neither tensor nor by name. ValueError: another shape, or an unknown name.
    """
    if isinstance(p, Tensor):
        return _vector(p, len(names), "p", "parameters", names)
    if p is None:
        return None
    if not isinstance(p, Mapping):
        raise TypeError(
            f"p must be a tensor of all parameters ({_some(names)}) or a dictionary by name, found "
            f"{type(p).__name__}"
        )
    given = {}
    for key, value in p.items():
        if str(key) not in names:
            raise unknown_name(str(key), "parameter", names)
        what = f"parameter `{key}`"
        if isinstance(value, Tensor):
            if value.ndim > 1:
                raise ValueError(f"{what} must be of shape () or (batch,), found {tuple(value.shape)}")
            given[names.index(str(key))] = checked(value, what)
        else:
            given[names.index(str(key))] = real(value, what)
    return given


def initial_state(u0: Any, names: Sequence[str]) -> Tensor | None:
    """The initial state that is given, if any.

    Raises:
        TypeError: no tensor. ValueError: another shape.
    """
    if u0 is None:
        return None
    if not isinstance(u0, Tensor):
        raise TypeError(
            f"u0 must be a tensor of all states ({_some(names)}), found {type(u0).__name__}: for fixed "
            "numbers give them to the problem"
        )
    return _vector(u0, len(names), "u0", "states", names)


def _vector(x: Tensor, count: int, what: str, kind: str, names: Sequence[str]) -> Tensor:
    checked(x, what)
    if x.ndim not in (1, 2) or x.shape[-1] != count:
        raise ValueError(
            f"{what} must be of shape ({count},) or (batch, {count}), one for each of the {kind} "
            f"{_some(names)}; found {tuple(x.shape)}"
        )
    return x


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def result_type(p: Tensor | dict[int, Any] | None, u0: Tensor | None) -> torch.dtype:
    """The type of what comes out: that of parameters and initial state, the wider of two."""
    given = [*p.values()] if isinstance(p, dict) else [p]
    types = {one.dtype for one in (*given, u0) if isinstance(one, Tensor)}
    return torch.float32 if types == {torch.float32} else torch.float64


def named(given: dict[int, Any], how: Specification, start: Start) -> tuple[Specification, Tensor]:
    """All parameters from some, and the specification with derivatives by those that are tensors and by what
    follows them."""
    tensors = [j for j, value in given.items() if isinstance(value, Tensor)]
    free = tuple(sorted({*tensors, *start.followers(set(given))}))
    as_tensors = {
        j: value.double() if isinstance(value, Tensor) else torch.from_numpy(np.array(value))
        for j, value in given.items()
    }
    return how.restricted(free), start.all_parameters(as_tensors)


def time_span(given: Any, start: Start, p: Tensor) -> Tensor:
    """The time span, shape (2,) or (batch, 2).

    Raises:
        TypeError, ValueError: it is not two times.
    """
    if given is None:
        return start.span if start.constant else start.time_span(p)
    if isinstance(given, Tensor):
        if given.shape != (2,):
            raise ValueError(f"tspan as a tensor must be of shape (2,), found {tuple(given.shape)}")
        return checked(given, "tspan").double()
    try:
        t0, t1 = given
    except (TypeError, ValueError):
        raise ValueError(f"tspan must be two times (t0, t1), found {given!r}") from None
    ends = torch.broadcast_tensors(_time(t0, "tspan[0]"), _time(t1, "tspan[1]"))
    return torch.stack(ends, -1)


def _time(t: Any, what: str) -> Tensor:
    if not isinstance(t, Tensor):
        return torch.from_numpy(np.array(real(t, what)))
    if t.ndim > 1:
        raise ValueError(f"{what} must be of shape () or (batch,), found {tuple(t.shape)}")
    return checked(t, what).double()


def save_times(saveat: Any, span: Tensor) -> Tensor:
    """The times to save, shape (n_times,) or (batch, n_times). A spacing moves with the span.

    Raises:
        TypeError, ValueError: it is neither a spacing nor times.
    """
    if saveat is None:
        return span[..., 1:]
    if isinstance(saveat, Tensor) and saveat.ndim:
        if saveat.ndim > 2 or not saveat.shape[-1]:
            raise ValueError(
                "saveat as a tensor must be of shape (n_times,) or (batch, n_times) with one time at least, "
                f"found {tuple(saveat.shape)}"
            )
        return checked(saveat, "saveat").double()
    if isinstance(saveat, Tensor):
        if saveat.requires_grad:
            raise ValueError("saveat as a spacing is a plain number: give the times themselves as a tensor")
        saveat = saveat.item()
    times = saveat if isinstance(saveat, float) else reals(saveat, "saveat")
    if np.ndim(times):
        return torch.from_numpy(np.array(times, dtype=float))
    return _grid(real(saveat, "saveat"), span)


def _grid(step: float, span: Tensor) -> Tensor:
    if span.ndim == 1 and not span.requires_grad:
        return _kept_grid(step, *span.tolist())
    spans = span.detach().reshape(-1, 2).tolist()
    rows = [options.save_times(step, t0, t1) for t0, t1 in spans]
    counts = {len(row) for row in rows}  # type: ignore[arg-type]
    if len(counts) > 1:
        raise ValueError(
            f"saveat = {step:g} gives between {min(counts)} and {max(counts)} times for the time spans of "
            "this batch: give the times themselves as a tensor of shape (batch, n_times)"
        )
    times = torch.from_numpy(np.array(rows)).reshape(*span.shape[:-1], -1)
    if not span.requires_grad:
        return times
    from_start = span[..., :1] + (times - span[..., :1].detach())[..., :-1]
    return torch.cat([from_start, span[..., 1:]], -1)


@functools.lru_cache(16)
def _kept_grid(step: float, t0: float, t1: float) -> Tensor:
    return torch.from_numpy(np.array(options.save_times(step, t0, t1)))


def as_batch(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors, all with an axis of the batch if any has one.

    Raises:
        ValueError: their batches differ in size.
    """
    u0, p, span, times = tensors
    if u0.ndim == p.ndim == span.ndim == times.ndim == 1:
        return tensors
    sizes = {len(one) for one in tensors if one.ndim > 1}
    if len(sizes) > 1:
        shapes = ", ".join(
            f"{name} {tuple(one.shape)}"
            for name, one in zip(("u0", "p", "tspan", "saveat"), tensors, strict=True)
            if one.ndim > 1
        )
        raise ValueError(f"batches of different sizes: {shapes}")
    size = sizes.pop()
    return tuple(one if one.ndim > 1 else one.expand(size, -1) for one in tensors)
