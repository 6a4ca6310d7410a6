"""torchdiffeq's options, read: what they say to symde, or why they say nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from symde.compat.state import Layout
from symde.engine.batched.integrate import MOST_STEPS

_ADAPTIVE = ("first_step", "max_step", "max_num_steps", "step_t", "jump_t", "dtype", "norm")
_FIXED = ("step_size", "grid_constructor", "interp", "perturb", "norm")

_CONTROL = "step sizes follow symde's own controller: take rtol, atol, or max_step"
REFUSED = {
    "min_step": "steps of that size would be taken whatever their error: loosen rtol and atol",
    "safety": _CONTROL,
    "ifactor": _CONTROL,
    "dfactor": _CONTROL,
    "max_iters": "it belongs to implicit methods on a grid, which are not here",
}
"""Options of torchdiffeq that are not here, and why."""

CALLBACKS = tuple(
    f"callback_{what}{where}" for what in ("step", "accept_step", "reject_step") for where in ("", "_adjoint")
)


def checked(options: Mapping[str, Any] | None, method: Any, what: str = "options") -> dict[str, Any]:
    """The options of a method.

    Raises:
        ValueError: there is one that the method does not have, or that is not here.
    """
    known = _ADAPTIVE if method.adaptive else _FIXED
    found = dict(options or {})
    for name in found:
        if name in REFUSED:
            raise ValueError(f"{what}[{name!r}] is not here: {REFUSED[name]}")
        if name not in known:
            raise ValueError(f"{method.name} has no option {name!r}: there are {', '.join(known)}")
    return found


def refuse_callbacks(func: Any) -> None:
    """Refuse functions that expect to be told of steps.

    Raises:
        ValueError: this is one.
    """
    for name in CALLBACKS:
        if hasattr(func, name):
            raise ValueError(
                f"func.{name} would not be called: the engine makes several steps without a look at them; "
                "delete it, or count calls of func"
            )


@dataclass(frozen=True, slots=True)
class Steps:
    """What a solve with chosen steps is told.

    Attributes:
        method: A method object.
        rtol, atol: A number; a number or one for each place.
        first, largest: First and largest step size, or None.
        most: Attempts between two saved times.
        norm: Gives the norm (B,) of scaled errors (n, B), None for the root mean square.
        stops: Times at which a step ends.
        jumps: Those of them at which func may jump.
    """

    method: Any
    rtol: float
    atol: Any
    first: float | None = None
    largest: float | None = None
    most: int = MOST_STEPS
    norm: Callable[[Tensor], Tensor] | None = None
    stops: tuple[float, ...] = ()
    jumps: frozenset[float] = field(default_factory=frozenset)

    @classmethod
    def read(cls, method: Any, rtol: Any, atol: Any, options: Mapping[str, Any], layout: Layout) -> Steps:
        """From torchdiffeq's arguments.

        Raises:
            ValueError: one is not what it should be.
        """
        dtype = options.get("dtype", torch.float64)
        if dtype not in (torch.float32, torch.float64):
            raise ValueError(f"dtype of times must be torch.float64, found {dtype}")
        stops, jumps = _times(options, "step_t"), _times(options, "jump_t")
        if len({*stops, *jumps}) < len(stops) + len(jumps):
            raise ValueError("step_t and jump_t must not have times twice, alone or together")
        return cls(
            method,
            _one_rtol(rtol, layout),
            layout.tolerance(atol, "atol"),
            _size(options, "first_step"),
            _size(options, "max_step"),
            int(options.get("max_num_steps", MOST_STEPS)),
            measure(options.get("norm"), layout),
            tuple(sorted([*stops, *jumps])),
            frozenset(jumps),
        )


def measure(norm: Any, layout: Layout) -> Callable[[Tensor], Tensor] | None:
    """A norm of states as one of columns; without one, the largest root mean square of the tensors.

    Args:
        norm: Gives a number of a tensor, or of a tuple of them.
        layout: Of the states.
    """
    if norm is None:
        if len(layout.shapes) == 1 and not layout.complex:
            return None
        norm = _largest
    elif not callable(norm):
        raise ValueError(f"norm must be a function, found {norm!r}")

    def columns(scaled: Tensor) -> Tensor:
        found = [torch.as_tensor(norm(layout.shaped(column))) for column in scaled.T]
        return torch.stack(found).abs().to(torch.float64).to(scaled.device)

    return columns


def _largest(y: Any) -> Tensor:
    parts = y if isinstance(y, tuple) else (y,)
    return torch.stack([one.abs().square().mean().sqrt() for one in parts if one.numel()]).amax()


def _one_rtol(rtol: Any, layout: Layout) -> float:
    found = layout.tolerance(rtol, "rtol")
    if not isinstance(found, Tensor):
        return found
    if len(torch.unique(found)) > 1:
        raise ValueError(
            "rtol must be one number: give an atol for each tensor, or a norm that leaves out those that are "
            "not to count"
        )
    return float(found[0])


def _size(options: Mapping[str, Any], name: str) -> float | None:
    given = options.get(name)
    if given is None:
        return None
    if not float(given) > 0.0:
        raise ValueError(f"{name} = {float(given):g}: it must be positive, whatever the direction of time")
    return float(given)


def _times(options: Mapping[str, Any], name: str) -> list[float]:
    given = options.get(name)
    if given is None:
        return []
    times = torch.as_tensor(given)
    if times.ndim != 1 or times.requires_grad:
        raise ValueError(f"{name} must be a list of times, by which nothing is differentiated")
    return times.tolist()
