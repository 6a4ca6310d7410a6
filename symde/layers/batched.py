"""Solves by the batched engine as the layers want them: with an axis of the batch before, and failures told.

The states are of the type of u0, on its device; what a compiled solve does one member after another is done
for all members side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.integrate import integrate
from symde.engine.batched.result import Integrated
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import Status
from symde.engine.methods import registry as methods
from symde.layers import explained, inputs
from symde.layers.bridge.interface import transformed
from symde.layers.bridge.points import require_finite, require_span
from symde.problem import options
from symde.problem.problem import Problem
from symde.sensitivity import registry

F = TypeVar("F", bound=Callable[..., Any])

GRADIENTS = {
    registry.AUTO: "replay",
    "discrete": "replay",
    "interpolating": "adjoint",
    "tape": "tape",
}
"""What a strategy of differentiation is called in the batched engine."""

TIGHT = 1e-5
"""Relative tolerance below which the method of a solve that names none is of order 7."""


def uncompiled(function: F) -> F:
    """The function, which torch does not compile but calls: the engine's loop looks at what it has found."""
    return torch.compiler.disable(function)  # type: ignore[return-value]


def method_of(method: Any, rtol: float) -> Any:
    """The method of a solve. Without a name it is Tsit5, or Vern7 at tight tolerances: this engine does not
    look for stiffness."""
    return methods.get(method if method is not None else "Tsit5" if rtol >= TIGHT else "Vern7")


@dataclass(frozen=True, slots=True)
class Words:
    """What the states of a right-hand side are called, and the problem that a failed solve is told of.

    Attributes:
        names: Names of the states.
        nominal: Scale of each state's absolute tolerance; None: all 1.
        problem: Gives the problem; it is asked for only where something is wrong.
    """

    names: tuple[str, ...]
    nominal: np.ndarray | None
    problem: Callable[[], Problem]

    @classmethod
    def of(cls, problem: Problem) -> Words:
        """Those of a problem."""
        return cls(problem.system.state_names, problem.system.nominal, lambda: problem)


def solve(
    rhs: Any, words: Words, u0: Tensor, p: Tensor | None, span: Tensor, times: Tensor | None, sensealg: str,
    solving: dict[str, Any], modules: tuple[torch.nn.Module, ...] = (), events: Any = None,
) -> Tensor:  # fmt: skip
    """The saved states of a solve, shape (T, n), or of a batch, (B, T, n).

    Args:
        rhs: As `symde.engine.batched.integrate` takes it.
        words: Names for what went wrong.
        u0, p: Shapes (n,) and (m,), with the axis of a batch before or not.
        span, times: Shapes (2,) and (T,), float64, likewise; None: the end alone.
        sensealg: The strategy of differentiation, a key of `GRADIENTS`.
        modules: Modules that `rhs` calls and does not hold itself.
        solving: method, rtol, atol, dt0, dtmax, max_steps and linear_solver, as in `symde.solve`.
        events: As `symde.engine.batched.integrate` takes them.

    Raises:
        SolveError: the solve did not reach its end; `BatchSolveError` names the members of a batch.
        ValueError: a number is not finite, times are not in order, or an option has no meaning here.
        NotImplementedError: a transform of `torch.func` is at work.
    """
    count = inputs.batch_size(u0=u0, p=p, tspan=span, saveat=times)
    how: dict[str, Any] = {**read(words, sensealg, solving), "modules": modules, "events": events}
    if count == 0:
        return u0.new_zeros(0, 1 if times is None else times.shape[-1], u0.shape[-1])
    check(words, u0, p, span)
    span, times = span.to(u0.device), None if times is None else times.to(u0.device)
    found = integrate(
        rhs,
        u0.expand(count or 1, u0.shape[-1]).T,
        None if p is None else torch.atleast_2d(p).T.to(u0.dtype),
        span[..., 0],
        span[..., 1],
        None if times is None else times.T if times.ndim > 1 else times,
        **how,
    )
    if not found.success:
        made = explained.Made(u0, p, span, times, how["method"])
        raise explained.failure(words.problem(), found, made, count)
    if events is not None:
        _require_rows(found, span if times is None else times)
    u = found.u.permute(2, 0, 1)
    return u[0] if count is None else u


def read(words: Words, sensealg: str, solving: dict[str, Any]) -> dict[str, Any]:
    """Options of a solve as `symde.engine.batched.integrate` takes them.

    Raises:
        ValueError, TypeError: one is not what it should be, or has no meaning here.
    """
    gradient = _gradient(sensealg)
    _refuse(solving)
    rtol = options.relative_tolerance(solving["rtol"])
    return dict(
        method=method_of(solving["method"], rtol),
        rtol=rtol,
        atol=options.absolute_tolerance(solving["atol"], words.names, words.nominal, rtol),
        gradient=gradient,
        dt0=options.step_size(solving["dt0"], "dt0"),
        dtmax=options.step_size(solving["dtmax"], "dtmax"),
        max_steps=options.step_limit(solving["max_steps"]),
    )


def _require_rows(found: Integrated, times: Tensor) -> None:
    """Refuse solves that an event ended before all was saved: a tensor has as many rows as there are times.

    Raises:
        ValueError: there are such.
    """
    ended = found.status == int(Status.TERMINATED)
    last = times[..., -1]
    early = ended & (found.t < last)
    if bool(early.any()):
        member = int(torch.nonzero(early)[0])
        end = float(last.expand(len(found.t))[member])
        who = f" of member {member}" if len(found.t) > 1 else ""
        raise ValueError(
            f"an event ended the solve{who} before t = {end:g}, which was to be saved: save earlier times, "
            "or let the model go on"
        )


def _gradient(sensealg: str) -> str:
    if sensealg not in GRADIENTS:
        if sensealg != "tape":
            registry.get(sensealg)  # tells a name that nothing has
        known = ", ".join(repr(one) for one in GRADIENTS)
        raise ValueError(f"backend='torch' has no sensealg {sensealg!r}: there are {known}")
    return GRADIENTS[sensealg]


def _refuse(solving: dict[str, Any]) -> None:
    if solving["linear_solver"] != linear_solvers.AUTO:
        raise ValueError("linear_solver belongs to backend='cpu': leave it out with backend='torch'")
    if transformed():
        raise NotImplementedError(
            "transforms of torch.func and forward mode are not known of a solve by backend='torch': take "
            "backward(), a batch in place of vmap, or backend='cpu'"
        )


def check(words: Words, u0: Tensor, p: Tensor | None, span: Tensor) -> None:
    """Refuse numbers that are not finite, and empty spans.

    Raises:
        ValueError: there are such, with the member of the batch.
    """
    finite = torch.isfinite(u0).all()
    if p is not None:
        finite = finite & torch.isfinite(p).all()
    if not bool(finite):  # one look at the device
        system = words.problem().system
        require_finite(_numbers(u0), system.state_names, "initial value of state")
        if p is not None:
            require_finite(_numbers(p), system.parameter_names, "parameter")
    for t0, t1 in _numbers(span).reshape(-1, 2).tolist():
        require_span(t0, t1)


def _numbers(x: Tensor) -> np.ndarray:
    return x.detach().cpu().numpy()
