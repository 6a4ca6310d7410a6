"""A torch module as the right-hand side of a batch: members side by side, or as one system."""

from __future__ import annotations

import functools
import inspect
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from symde.engine.batched.integrate import integrate
from symde.layers import batched, explained


class Columns:
    """A module of rows as a right-hand side of columns. It is none itself: to call one takes 2 us more."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.timed = _takes_time(module)
        self.autonomous = not self.timed

    def __call__(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """(n, B) of (n, B)."""
        rows = u.T
        given = (t.to(u.dtype).reshape(-1, 1).expand(len(rows), 1), rows) if self.timed else (rows,)
        slopes = self.module(*given)
        if not isinstance(slopes, Tensor) or slopes.shape != rows.shape:
            raise ValueError(
                f"the module gives {what_it_gives(slopes)} for states of shape {tuple(rows.shape)}: it "
                "must give one slope for each"
            )
        return slopes.T


def what_it_gives(value: Any) -> str:
    """What a module gives, in words."""
    if isinstance(value, Tensor):
        return f"shape {tuple(value.shape)}"
    return f"{type(value).__name__}, no tensor,"


def _takes_time(module: nn.Module) -> bool:
    """Whether a module is called with the time before the states."""
    if isinstance(module, nn.Sequential):
        return False
    forward: Any = module.forward
    function = getattr(forward, "__func__", None)  # of a method; to read a signature takes 20 us
    return _required(forward) == 2 if function is None else _required_once(function) == 3


def _required(function: Any) -> int:
    """How many arguments must be given."""
    parameters = inspect.signature(function).parameters.values()
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return sum(one.kind in kinds and one.default is one.empty for one in parameters)


_required_once = functools.lru_cache(256)(_required)


class Joined:
    """All rows of a batch as one state, whose errors choose one step. Columns are several such states."""

    def __init__(self, rows: Columns, count: int) -> None:
        self._rows, self._count, self.autonomous = rows, count, rows.autonomous

    def __call__(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """(count*n, S) of (count*n, S)."""
        states = u.T.reshape(len(t) * self._count, -1)
        times = t.repeat_interleave(self._count) if self._rows.timed else t
        return self._rows(times, states.T, p).T.reshape(len(t), -1).T


def together(
    rows: Columns, words: batched.Words, u0: Tensor, span: Tensor, times: Tensor | None, sensealg: str,
    solving: dict[str, Any], modules: tuple[nn.Module, ...],
) -> Tensor:  # fmt: skip
    """The saved states (B, T, n) of a batch (B, n) that takes its steps together.

    Raises:
        ValueError: members have times of their own.
        SolveError, TypeError: as `symde.layers.batched.solve`; a failure is told of the member whose state
            is farthest from 0.
    """
    count, n = u0.shape
    if span.ndim > 1 or times is not None and times.ndim > 1:
        raise ValueError("members that take their steps together have one tspan and one saveat")
    how = batched.read(words, sensealg, solving)
    if np.ndim(how["atol"]):
        how["atol"] = np.tile(how["atol"], count)
    batched.check(words, u0, None, span)
    span, times = span.to(u0.device), None if times is None else times.to(u0.device)
    flat = u0.reshape(-1, 1)
    found = integrate(Joined(rows, count), flat, None, span[0], span[1], times, modules=modules, **how)
    if not found.success:
        worst = int(found.state.abs().nan_to_num(nan=torch.inf).argmax()) // n
        own = replace(
            found, u=found.u[:, worst * n : (worst + 1) * n], state=found.state.reshape(-1, n, 1)[worst]
        )
        made = explained.Made(u0[worst], None, span, times, how["method"])
        raise explained.failure(words.problem(), own, made, None)
    return found.u.reshape(-1, count, n).transpose(0, 1)
