"""`odeint` and `odeint_adjoint`: torchdiffeq's calls, solved by symde's batched engine.

The state is one member of a batch: one step size for all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from symde.compat.adaptive import adaptive, by_adjoint, by_tape, ended_by_event
from symde.compat.function import Columns
from symde.compat.grid import grid_of, on_grid
from symde.compat.methods import method_of
from symde.compat.options import Steps, checked, refuse_callbacks
from symde.compat.state import Layout


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Tensor,
    *,
    rtol: Any = 1e-7,
    atol: Any = 1e-9,
    method: str | None = None,
    options: Mapping[str, Any] | None = None,
    event_fn: Any = None,
) -> Any:
    """Solve y' = func(t, y), y(t[0]) = y0.

    Differentiable by y0, t, and all that func uses, as often as func is: every operation of every step is
    kept.

    Args:
        func: Gives the slopes, like y, of a time without dimensions and a state.
        y0: A tensor of any shape, or a tuple of them; float32, float64 or complex.
        t: Times to save, ascending or descending, the first of them that of y0.
        rtol, atol: Tolerances of a step; atol may be given for each entry, or in a list for each tensor of a
            tuple.
        method: "dopri5" (default), "dopri8", "tsit5", "bosh3", "adaptive_heun", "fehlberg2"; on a grid
            "euler", "midpoint", "heun2", "heun3", "rk4"; or a Runge-Kutta or Rosenbrock method of symde
            by its name.
        options: first_step, max_step, max_num_steps, step_t, jump_t, norm; on a grid step_size,
            grid_constructor, interp, perturb.
        event_fn: Gives numbers of (t, y), of any shape, whose first zero ends the solve; then t has two
            times, of which the second tells the direction alone.

    Returns:
        The states at the times t, of shape (len(t), *y0.shape), or a tuple of such. With event_fn the time of
        the event, and the states at t[0] and there.

    Raises:
        ValueError, TypeError: an argument is not what it should be, or is not here.
        RuntimeError: the solve did not reach its end.
    """
    found_method = method_of(method)
    layout, times = _checked(func, y0, t, event_fn, found_method)
    given = checked(options, found_method)
    start = layout.flat(y0)
    function = Columns(func, layout, recorded=torch.is_grad_enabled())
    if len(times) == 1:
        return layout.shaped(start[None])
    if found_method.adaptive:
        steps = Steps.read(found_method, rtol, atol, given, layout)
        if event_fn is not None:
            return _with_event(layout, t, ended_by_event(function, start, times, steps, by_tape, event_fn))
        states = adaptive(function, start, times, steps, by_tape)
    else:
        states = on_grid(function, start, times, grid_of(func, y0, t, given), found_method, given)
    return layout.shaped(torch.cat([start[None], states]))


def odeint_adjoint(
    func: Callable[..., Any],
    y0: Any,
    t: Tensor,
    *,
    rtol: Any = 1e-7,
    atol: Any = 1e-9,
    method: str | None = None,
    options: Mapping[str, Any] | None = None,
    event_fn: Any = None,
    adjoint_rtol: Any = None,
    adjoint_atol: Any = None,
    adjoint_method: str | None = None,
    adjoint_options: Mapping[str, Any] | None = None,
    adjoint_params: Iterable[Tensor] | None = None,
) -> Any:
    """The same values as `odeint`; derivatives by y0, t and the parameters from the adjoint equation.

    The adjoint equation is solved backward along the solution's interpolants, with the states of the steps
    in memory and no operations. Methods on a grid do each step again instead, for the derivatives of the
    computed numbers.

    Args:
        func, y0, t, rtol, atol, method, options, event_fn: As in `odeint`.
        adjoint_rtol, adjoint_atol, adjoint_method: Of the adjoint equation. Default: those of the solve.
        adjoint_options: Of the adjoint equation: first_step, max_step, max_num_steps. Default: those of
            `options`.
        adjoint_params: Tensors to differentiate by. Default: the parameters of func, which must be a module.
            Those of an event_fn that is a module are added.

    Returns:
        As `odeint`.

    Raises:
        ValueError, TypeError: an argument is not what it should be, or is not here.
        RuntimeError: the solve did not reach its end.
    """
    forward = method_of(method)
    layout, times = _checked(func, y0, t, event_fn, forward)
    parameters = _parameters(func, event_fn, adjoint_params)
    backward = forward if adjoint_method is None else method_of(adjoint_method)
    given = checked(options, forward)
    if len(times) == 1:
        return layout.shaped(layout.flat(y0)[None])
    if forward.adaptive != backward.adaptive:
        raise ValueError(
            f"adjoint_method {adjoint_method!r} does not go with method {method!r}: both choose their steps, "
            "or neither does"
        )
    start = layout.flat(y0)
    function = Columns(func, layout, recorded=False)
    if not forward.adaptive:
        grid = grid_of(func, y0, t, given)
        states = on_grid(function, start, times, grid, forward, given, parameters)
        return layout.shaped(torch.cat([start[None], states]))
    steps = Steps.read(forward, rtol, atol, given, layout)
    back = Steps.read(
        backward,
        rtol if adjoint_rtol is None else adjoint_rtol,
        atol if adjoint_atol is None else adjoint_atol,
        _adjoint_options(adjoint_options, given, method, adjoint_method, backward),
        layout,
    )
    solver = by_adjoint(parameters, back)
    if event_fn is not None:
        return _with_event(layout, t, ended_by_event(function, start, times, steps, solver, event_fn))
    states = adaptive(function, start, times, steps, solver)
    return layout.shaped(torch.cat([start[None], states]))


def odeint_event(
    func: Callable[..., Any],
    y0: Any,
    t0: Tensor,
    *,
    event_fn: Callable[..., Any],
    reverse_time: bool = False,
    odeint_interface: Callable[..., Any] = odeint,
    **options: Any,
) -> tuple[Tensor, Any]:
    """Solve y' = func(t, y), y(t0) = y0, until event_fn(t, y) has a zero.

    Args:
        func, y0: As in `odeint`.
        t0: The start, a tensor without dimensions.
        event_fn: Gives numbers of (t, y), of any shape: the first of them that crosses zero ends the solve.
        reverse_time: Whether to go backward in time.
        odeint_interface: `odeint` or `odeint_adjoint`.
        options: As those take them.

    Returns:
        The time of the event, and the states at t0 and there, of shape (2, *y0.shape), or a tuple of such.
        Both are differentiable by all that those of `odeint_interface` are, and move with the event.

    Raises:
        ValueError, TypeError: an argument is not what it should be, or is not here.
        RuntimeError: there is no event before the steps are used up.
    """
    if not isinstance(t0, Tensor) or t0.numel() != 1:
        raise TypeError(f"t0 must be a tensor of one time, found {t0!r}")
    start = t0.reshape(1)
    t = torch.cat([start, start.detach() + (-1.0 if reverse_time else 1.0)])
    return odeint_interface(func, y0, t, event_fn=event_fn, **options)


def _with_event(layout: Layout, t: Tensor, found: tuple[Tensor, Tensor]) -> tuple[Tensor, Any]:
    """The time in the type of t, and the states as the user's are."""
    time, states = found
    return time.to(t.dtype), layout.shaped(states)


def _checked(func: Any, y0: Any, t: Any, event_fn: Any, method: Any) -> tuple[Layout, Tensor]:
    """The layout of the states and the times in float64, on the device of the states."""
    if event_fn is not None:
        if not callable(event_fn):
            raise TypeError(f"event_fn must be callable as event_fn(t, y), found {type(event_fn).__name__}")
        if not method.adaptive:
            raise ValueError(
                f"event_fn does not go with {method.name} on a grid: take a method that chooses its steps, "
                "such as 'dopri5'"
            )
        if isinstance(t, Tensor) and t.shape != (2,):
            raise ValueError(
                "with event_fn t has two times, the start and one in the direction of the solve, found shape "
                f"{tuple(t.shape)}; odeint_event takes the start alone"
            )
    if not callable(func):
        raise TypeError(f"func must be callable as func(t, y), found {type(func).__name__}")
    refuse_callbacks(func)
    layout = Layout.of(y0)
    if not isinstance(t, Tensor) or not t.is_floating_point():
        found = f"a tensor of {t.dtype}" if isinstance(t, Tensor) else type(t).__name__
        raise TypeError(f"t must be a tensor of floats, found {found}")
    if t.ndim != 1 or not len(t):
        raise ValueError(f"t must be of shape (T,), found {tuple(t.shape)}")
    distances = torch.diff(t.detach())
    if not bool((distances > 0).all() | (distances < 0).all()):
        raise ValueError("t must be strictly ascending or descending")
    return layout, t.to(layout.parts(y0)[0].device, torch.float64)


def _parameters(func: Any, event_fn: Any, given: Iterable[Tensor] | None) -> tuple[Tensor, ...]:
    if given is None:
        if not isinstance(func, nn.Module):
            raise ValueError(
                "func is no nn.Module, so its parameters are not known: give them as adjoint_params=(...), "
                "() if there are none"
            )
        given = func.parameters()
    if isinstance(event_fn, nn.Module):
        given = [*given, *event_fn.parameters()]
    unique = {id(one): one for one in given if one.requires_grad}
    return tuple(unique.values())


def _adjoint_options(
    given: Mapping[str, Any] | None,
    forward: Mapping[str, Any],
    method: Any,
    adjoint_method: Any,
    backward: Any,
) -> dict[str, Any]:
    """Options of the adjoint equation; where func jumps is known from the solve."""
    if given is None:
        if forward and adjoint_method not in (None, method):
            raise ValueError(
                "options of another method do not go over to adjoint_method: give adjoint_options"
            )
        return {name: value for name, value in forward.items() if name not in ("norm", "step_t", "jump_t")}
    found = checked(given, backward, "adjoint_options")
    norm = found.pop("norm", None)
    if norm not in (None, "seminorm"):
        raise ValueError(
            "adjoint_options['norm'] can only be 'seminorm', which is what is done anyway: the parameters "
            "take no part in the adjoint equation"
        )
    for name in ("step_t", "jump_t"):
        times = found.pop(name, None)
        if times is not None and not _same(times, forward.get(name)):
            raise ValueError(f"adjoint_options[{name!r}] must be options[{name!r}], which goes for both ways")
    return found


def _same(times: Any, others: Any) -> bool:
    if others is None:
        return False
    return sorted(torch.as_tensor(times).tolist()) == sorted(torch.as_tensor(others).tolist())
