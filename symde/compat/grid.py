"""Solves on a grid of times, with one step from each to the next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from symde.compat.function import Columns
from symde.engine.batched.equation import Equation
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.once import only_once
from symde.engine.batched.recorded import TWICE

Step = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def on_grid(
    function: Columns,
    y0: Tensor,
    t: Tensor,
    grid: Tensor,
    method: Any,
    options: Mapping[str, Any],
    parameters: tuple[Tensor, ...] | None = None,
) -> Tensor:
    """The states at t[1:], shape (T - 1, n).

    Args:
        function: The right-hand side.
        y0: Shape (n,).
        t: Times to save, shape (T,), in order, float64.
        grid: Where steps end, from t[0] to t[-1], float64.
        method: An explicit method.
        options: `interp` and `perturb`.
        parameters: What to differentiate by beside y0 and t, with each step done again for its derivatives;
            None for whatever func uses, with all operations kept.
    """
    interpolate = _interpolation(options.get("interp", "linear"))
    wanted, ends = t.detach().tolist(), grid.detach().tolist()
    direction = 1.0 if wanted[-1] > wanted[0] else -1.0
    step = _step(function, method, y0, direction, bool(options.get("perturb", False)))
    u, found = y0, []
    for k in range(len(ends) - 1):
        start, end = grid[k], grid[k + 1]
        if parameters is None:
            u_new, slope = step(u, start, end)
        else:
            u_new, slope = _Again.apply(step, u, start, end, *parameters)
        while len(found) + 1 < len(wanted) and direction * (ends[k + 1] - wanted[len(found) + 1]) >= 0.0:
            j = len(found) + 1
            inside = wanted[j] != ends[k + 1] or t.requires_grad
            point = interpolate(function, (start, u, slope), (end, u_new), t[j]) if inside else u_new
            found.append(point)
        u = u_new
    return torch.stack(found)


def grid_of(func: Any, y0: Any, t: Tensor, options: Mapping[str, Any]) -> Tensor:
    """Where steps end: at the saved times, at equal distances, or where the user says.

    Raises:
        ValueError: an option is not what it should be.
    """
    size, constructor = options.get("step_size"), options.get("grid_constructor")
    if size is not None and constructor is not None:
        raise ValueError("step_size and grid_constructor exclude one another")
    if constructor is not None:
        grid = torch.as_tensor(constructor(func, y0, t)).to(t.device, torch.float64)
        _check_grid(grid.detach(), t.detach())
        return grid
    times = t.to(torch.float64)
    if size is None:
        return times
    if not float(size) > 0.0:
        raise ValueError(f"step_size = {float(size):g}: it must be positive, whatever the direction of time")
    span = float(times[-1].detach() - times[0].detach())
    # a last step of a rounding error's length is none
    count = max(math.ceil(abs(span) / float(size) * (1.0 - 1e-12)), 1)
    moved = torch.arange(count, dtype=torch.float64, device=t.device) * math.copysign(float(size), span)
    return torch.cat([times[0] + moved, times[-1:]])


def _check_grid(grid: Tensor, t: Tensor) -> None:
    sign = 1.0 if bool(t[-1] > t[0]) else -1.0
    if grid.ndim != 1 or len(grid) < 2 or not bool((sign * torch.diff(grid) > 0.0).all()):
        raise ValueError("grid_constructor must give at least two times, in the order of integration")
    if float(grid[0]) != float(t[0]) or float(grid[-1]) != float(t[-1]):
        raise ValueError(
            f"grid_constructor must lead from t[0] to t[-1], {float(t[0]):g} to {float(t[-1]):g}, found "
            f"{float(grid[0]):g} to {float(grid[-1]):g}"
        )


def _step(function: Columns, method: Any, like: Tensor, direction: float, perturb: bool) -> Step:
    stepper = ExplicitStepper(method, Equation(function), like[:, None])

    def step(u: Tensor, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        inside = function.between(start, end, direction) if perturb else function
        stepper.equation = Equation(inside)
        made = stepper.attempt(start[None], (end - start)[None], u[:, None], None)
        return made.u[:, 0], made.stages[0][:, 0]

    return step


class _Again(torch.autograd.Function):
    """A step that is done again for its derivatives."""

    @staticmethod
    def forward(ctx: Any, step: Step, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        ctx.step = step
        ctx.save_for_backward(*inputs)
        return step(*inputs[:3])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        inputs, wanted = ctx.saved_tensors, ctx.needs_input_grad[1:]
        with torch.enable_grad():
            three = [one.detach().requires_grad_(want) for one, want in zip(inputs[:3], wanted, strict=False)]
            made = ctx.step(*three)
            targets = [one for one, want in zip([*three, *inputs[3:]], wanted, strict=True) if want]
            pairs = [(one, grad) for one, grad in zip(made, grads, strict=True) if one.requires_grad]
            outputs, seeds = zip(*pairs, strict=True) if pairs else ((), ())
            found = iter(_grads(outputs, targets, seeds))
        by = [next(found) if want else None for want in wanted]
        return None, *only_once(by, (*grads, *inputs), TWICE)


def _grads(outputs: Any, targets: list[Tensor], seeds: Any) -> Sequence[Tensor]:
    if not outputs:
        return [torch.zeros_like(one) for one in targets]
    return torch.autograd.grad(outputs, targets, seeds, allow_unused=True, materialize_grads=True)


def _interpolation(name: str) -> Callable[..., Tensor]:
    if name not in _INTERPOLATIONS:
        raise ValueError(f"unknown interp {name!r}: there are 'linear' and 'cubic'")
    return _INTERPOLATIONS[name]


def _linear(function: Columns, start: tuple[Tensor, ...], end: tuple[Tensor, ...], t: Tensor) -> Tensor:
    (before, u, _), (after, u_new) = start, end
    theta = ((t - before) / (after - before)).to(u.dtype)
    return u + theta * (u_new - u)


def _cubic(function: Columns, start: tuple[Tensor, ...], end: tuple[Tensor, ...], t: Tensor) -> Tensor:
    """The polynomial of degree 3 through both ends with their slopes."""
    (before, u, slope), (after, u_new) = start, end
    size = (after - before).to(u.dtype)
    theta = ((t - before) / (after - before)).to(u.dtype)
    change, last = u_new - u, function(after[None], u_new[:, None], None)[:, 0]
    bend = (1.0 - theta) * (slope * size - change) - theta * (last * size - change)
    return u + theta * change + theta * (1.0 - theta) * bend


_INTERPOLATIONS = {"linear": _linear, "cubic": _cubic}
