"""Whole calls of `diffeq` as operators, for `torch.compile`: to the compiler one node of a known shape.

What is no tensor is kept aside under a number, which the traced code has as a constant. Inside, the operator
does what is done without a compiler. Transforms of `torch.func` inside compiled code are refused: the
derivative of an operator along a direction would be zero without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from symde.layers import inputs
from symde.layers.bridge.interface import threads, transformed
from symde.layers.bridge.start import is_constant
from symde.problem import options
from symde.problem.problem import Problem

PLACE = "<tensor %d>"
"""Stands for a tensor, by its place in the list of them. A text, since that is what tracing knows of."""


def _place(value: Any) -> int | None:
    """The place of a tensor that a value stands for."""
    found = re.fullmatch(r"<tensor (\d+)>", value) if isinstance(value, str) else None
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A call but for its tensors.

    Attributes:
        function: What is called, with p, the problem and the other arguments by name.
        p, problem, others: These, with places for tensors.
    """

    function: Callable[..., Tensor]
    p: Any
    problem: Problem
    others: dict[str, Any]

    def __call__(self, tensors: list[Tensor]) -> Tensor:
        """The call with its tensors put back."""
        others = {name: _filled(value, tensors) for name, value in self.others.items()}
        return self.function(_filled(self.p, tensors), self.problem, **others)


_kept: list[Kept] = []


def traced(function: Callable[..., Tensor], p: Any, problem: Problem, others: dict[str, Any]) -> Tensor:
    """What the function gives, as one node of a graph that is being traced.

    Raises:
        NotImplementedError: a transform is at work. ValueError: the number of saved times is not a constant.
    """
    tensors: list[Tensor] = []
    p = _taken(p, tensors)
    others = {name: _taken(value, tensors) for name, value in others.items()}
    handle = _keep(function, p, problem, tuple(others), tuple(others.values()))
    followed = torch.is_grad_enabled()
    return solve(tensors, [followed and one.requires_grad for one in tensors], handle)


def _taken(value: Any, tensors: list[Tensor]) -> Any:
    """The value with its tensors replaced by places, and these in the list."""
    if isinstance(value, Tensor):
        tensors.append(value)
        return PLACE % (len(tensors) - 1)
    if isinstance(value, tuple | list):
        return [_taken(one, tensors) for one in value]
    if isinstance(value, Mapping):
        return {key: _taken(one, tensors) for key, one in value.items()}
    return value


def _filled(value: Any, tensors: list[Tensor]) -> Any:
    place = _place(value)
    if place is not None:
        return tensors[place]
    if isinstance(value, list):
        return [_filled(one, tensors) for one in value]
    if isinstance(value, dict):
        return {key: _filled(one, tensors) for key, one in value.items()}
    return value


@torch.compiler.assume_constant_result
def _keep(
    function: Callable[..., Tensor], p: Any, problem: Problem, names: tuple[str, ...], values: tuple[Any, ...]
) -> int:
    """The number of a call. It runs while code is traced, where transforms can still be seen."""
    if transformed():
        raise NotImplementedError(
            "transforms of torch.func inside of compiled code are not known of a solve: compile what is "
            "around it, or call backward()"
        )
    _kept.append(Kept(function, p, problem, dict(zip(names, values, strict=True))))
    return len(_kept) - 1


@torch.library.custom_op(
    "symde::diffeq", mutates_args=(), schema="(Tensor[] tensors, bool[] needed, int handle) -> Tensor"
)
def solve(tensors: list[Tensor], needed: list[bool], handle: int) -> Tensor:
    """The saved states of a call that was kept, ready for derivatives by the tensors that need them."""
    if transformed():
        raise NotImplementedError("forward mode through compiled code is not known of a solve")
    if not any(needed):
        with torch.no_grad():
            return _kept[handle](tensors).clone()
    solved = _aside(_Solved, handle, tensors, needed)
    _solved[handle] = solved
    return solved.u.detach().clone()


@torch.library.custom_op(
    "symde::diffeq_backward",
    mutates_args=(),
    schema="(Tensor[] tensors, bool[] needed, Tensor weights, int handle) -> Tensor[]",
)
def pull_back(tensors: list[Tensor], needed: list[bool], weights: Tensor, handle: int) -> list[Tensor]:
    """Derivatives of sum(weights * states) by the tensors; empty where none is needed."""
    solved = _solved.pop(handle, None)
    if solved is None or not solved.of(tensors, needed):
        solved = _aside(_Solved, handle, tensors, needed)
    return _aside(solved.pull_back, weights)


def _aside(work: Callable[..., Any], *given: Any) -> Any:
    """Do what is differentiated within an operator: in the thread that runs it torch records nothing."""
    return threads("operators").submit(work, *given).result()


class _Solved:
    """A solve that waits for its weights."""

    def __init__(self, handle: int, tensors: list[Tensor], needed: list[bool]) -> None:
        self._needed = needed
        self._inputs = [
            one.detach().clone().requires_grad_(need) for one, need in zip(tensors, needed, strict=True)
        ]
        with torch.enable_grad():
            self.u = _kept[handle](self._inputs)

    def of(self, tensors: list[Tensor], needed: list[bool]) -> bool:
        """Whether it is of these."""
        return needed == self._needed and all(
            torch.equal(mine.detach(), theirs) for mine, theirs in zip(self._inputs, tensors, strict=True)
        )

    def pull_back(self, weights: Tensor) -> list[Tensor]:
        """Derivatives of sum(weights * states) by the tensors."""
        asked = [one for one in self._inputs if one.requires_grad]
        found = iter(torch.autograd.grad(self.u, asked, weights, materialize_grads=True))
        return [
            next(found).clone() if need else one.new_empty(0)
            for one, need in zip(self._inputs, self._needed, strict=True)
        ]


_solved: dict[int, _Solved] = {}
"""The latest solve of each call: the one that is pulled back next, mostly."""


@solve.register_fake
def _(tensors: list[Tensor], needed: list[bool], handle: int) -> Tensor:
    kept = _kept[handle]
    shape = (*_batch(kept, tensors), _count(kept, tensors), len(kept.problem.u0))
    kinds = {one.dtype for one in (*_tensors_of(kept.p, tensors), *_tensors_of(kept.others["u0"], tensors))}
    dtype = torch.float32 if kinds == {torch.float32} else torch.float64
    return torch.empty(shape, dtype=dtype, device="cpu")


@pull_back.register_fake
def _(tensors: list[Tensor], needed: list[bool], weights: Tensor, handle: int) -> list[Tensor]:
    return [
        torch.empty_like(one) if need else one.new_empty(0) for one, need in zip(tensors, needed, strict=True)
    ]


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    tensors, ctx.needed, ctx.handle = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, weights: Tensor) -> tuple[Any, None, None]:
    found = pull_back(list(ctx.saved_tensors), ctx.needed, weights, ctx.handle)
    return [one if need else None for one, need in zip(found, ctx.needed, strict=True)], None, None


torch.library.register_autograd("symde::diffeq", _backward, setup_context=_setup_context)


def _tensors_of(value: Any, tensors: list[Tensor]) -> list[Tensor]:
    place = _place(value)
    if place is not None:
        return [tensors[place]]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for part in parts for one in _tensors_of(part, tensors)]


def _batch(kept: Kept, tensors: list[Tensor]) -> tuple[Any, ...]:
    """The axis of a batch, where there is one."""
    if isinstance(kept.p, dict):
        given = inputs.parameters(_filled(kept.p, tensors), kept.problem.system.parameter_names)
        for block in given if isinstance(given, list) else ():
            if block.values.ndim > 1:
                return (block.values.shape[0],)
    for value, own in (
        (None if isinstance(kept.p, dict) else kept.p, 1),
        (kept.others["u0"], 1),
        (kept.others["tspan"], 0 if isinstance(kept.others["tspan"], list) else 1),
        (kept.others["saveat"], 1),
    ):
        for one in _tensors_of(value, tensors):
            if one.ndim > own:
                return (one.shape[0],)
    return ()


def _count(kept: Kept, tensors: list[Tensor]) -> Any:
    """The number of saved times."""
    saveat, tspan = kept.others["saveat"], kept.others["tspan"]
    if saveat is None:
        return 1
    place = _place(saveat)
    if place is not None:
        return tensors[place].shape[-1]
    if isinstance(saveat, list):
        return len(saveat)
    if _tensors_of(tspan, tensors) or tspan is None and not is_constant(kept.problem):
        raise ValueError(
            f"saveat = {saveat:g} with a time span that is not constant gives no constant number of times, "
            "which compiled code needs: give the times themselves as a tensor"
        )
    t0, t1 = kept.problem.tspan if tspan is None else tspan
    return len(options.save_times(float(saveat), float(t0), float(t1)))  # type: ignore[arg-type]
