"""Paths with noise as torch functions: members of a batch are the paths of a seed.

A path, what goes back through it and its derivative along a direction are functions of their own. Second
derivatives are not known and refused.

Shapes: u0 (n,), p (m,), what is saved (T, n); all with an axis of a batch before, or none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.cpu import linear_solvers
from symde.layers.bridge.interface import Differentiable, refuse_nested_forward, transformed
from symde.layers.bridge.points import require_finite
from symde.layers.bridge.specification import Point, problem_at
from symde.problem import options
from symde.problem.problem import Problem
from symde.sensitivity.noise_gradient import TWICE, path_run, strategy_of, tolerances_of
from symde.sensitivity.noise_paths import PathRun, follow, follow_along, pull_back
from symde.sensitivity.noise_start import refuse_vanishing_rates
from symde.sensitivity.wrt import Wrt


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """How paths are followed.

    Attributes:
        problem: Names the model.
        sensealg: The strategy of differentiation.
        parameters: Indices of the parameters that derivatives are by.
        solving: Options of `symde.sensitivity.noise_gradient.path_run`, the seed among them.
    """

    problem: Problem
    sensealg: str
    parameters: tuple[int, ...]
    solving: dict[str, Any]

    def run(self, u0: Tensor, p: Tensor, span: Tensor, times: Tensor) -> PathRun:
        """The paths from some starts, (n,) and (m,) or with the axis of a batch, over a span (2,), saved at
        times (T,) that all share."""
        shared = [_shared(one, what) for one, what in ((span, "tspan"), (times, "saveat"))]
        rows = [one.detach().numpy().copy() for one in (u0, p)]
        system = self.problem.system
        require_finite(rows[0], system.state_names, "initial value of state")
        require_finite(rows[1], system.parameter_names, "parameter")
        two = [one if one.ndim > 1 else one[None] for one in rows]
        first = Point(two[0][0], two[1][0], *shared)
        run = path_run(problem_at(self.problem, first), saveat=shared[1], **self.solving)
        return replace(run, u0=two[0], p=two[1], count=len(two[0]))

    def wrt(self, wanted: tuple[bool, bool]) -> Wrt:
        """What is differentiated by: initial values, parameters."""
        n = len(self.problem.u0)
        states, parameters = wanted
        return Wrt((), self.parameters if parameters else (), tuple(range(n)) if states else ())


class Call:
    """One call, from the paths to what goes back through them.

    Attributes:
        paths: How they are followed.
        steps: Of each, once they were followed for a way back; None: not yet.
        along: Their derivatives by what was wanted, where these are kept.
    """

    __slots__ = ("along", "paths", "steps", "wanted")

    def __init__(self, paths: Paths, wanted: tuple[bool, bool]) -> None:
        self.paths, self.wanted = paths, wanted
        self.steps: np.ndarray | None = None
        self.along: np.ndarray | None = None

    def wrt(self) -> Wrt:
        """What is differentiated by."""
        return self.paths.wrt(self.wanted)

    def record(self, run: PathRun) -> np.ndarray:
        """Follow paths so that weights can go back through them; what they save, shape (paths, T, n)."""
        self.along = None
        if strategy_of(self.paths.sensealg, run, self.wrt()) == "forward":
            du0, dp = directions_of(run, self.wrt())
            found = follow_along(run, du0[None], dp[None])
            self.along = found.along
        else:
            found = follow(run)
        self.steps = found.steps
        return found.u


def followed(
    problem: Problem, u0: Tensor, p: Tensor, span: Tensor, times: Tensor, free: tuple[int, ...],
    solving: dict[str, Any], rest: dict[str, Any],
) -> Tensor:  # fmt: skip
    """What `symde.layers.diffeq` gives of a problem with noise.

    Args:
        problem: Names the model.
        u0, p, span, times: Numbers of one path, or of a batch where they have an axis before.
        free: Indices of the parameters that derivatives are by.
        solving: Options of solves, as of `diffeq`.
        rest: sensealg, lanes, workers and seed.

    Raises:
        ValueError: an option means nothing here, or times are to be differentiated by.
    """
    usual = {"rtol": options.DEFAULT_RTOL, "atol": options.DEFAULT_ATOL, "dtmax": None, "lanes": True}
    usual["linear_solver"] = linear_solvers.AUTO
    given = {**solving, "lanes": rest["lanes"]}
    others = {name: given.pop(name) for name in usual}
    others = {name: one for name, one in others.items() if options.is_given(one, usual[name])}
    refuse_times(span.requires_grad or times.requires_grad)
    seed = torch.randint(2**63 - 1, ()).item() if rest["seed"] is None else rest["seed"]
    given |= {"seed": seed, "workers": rest["workers"], **tolerances_of(others)}
    size = [one.shape[0] for one in (u0, p, span, times) if one.ndim > 1]
    if size:
        u0, p = (one if one.ndim > 1 else one.expand(size[0], -1) for one in (u0, p))
    if len({*size}) > 1:
        raise ValueError(f"batches of {' and '.join(map(str, size))} members: they must be of one size")
    if 0 in size:  # a batch of none
        return u0[:, None].expand(-1, times.shape[-1], -1) + p.sum() * 0.0
    return solve(Paths(problem, rest["sensealg"], free, given), u0, p, span, times)


def refuse_jumps(problem: Problem) -> None:
    """Refuse paths that jump to the torch engine.

    Raises:
        ValueError: the model has jumps.
    """
    system: Any = problem.system
    if system.network is not None:
        raise ValueError(
            "the paths of this problem jump, and the torch engine follows none that do: give tensors on the "
            "CPU and leave out backend, or backend='cpu'"
        )


def refuse_times(wanted: bool) -> None:
    """Refuse derivatives by the span or the saved times.

    Raises:
        ValueError: they are wanted.
    """
    if wanted:
        raise ValueError(
            "the noise of another span or of other times is another one, so that paths have no derivative by "
            "tspan and saveat: detach them"
        )


def _shared(values: Tensor, what: str) -> np.ndarray:
    """The numbers that all members of a batch share.

    Raises:
        ValueError: they do not.
    """
    rows = values.detach().numpy()
    if rows.ndim > 1:
        if (rows != rows[:1]).any():
            raise ValueError(f"paths with noise take the same {what} in all members of a batch")
        rows = rows[0]
    return np.ascontiguousarray(rows)


def solve(paths: Paths, u0: Tensor, p: Tensor, span: Tensor, times: Tensor) -> Tensor:
    """The saved states of a path, shape (T, n), or of a batch of them, (B, T, n).

    Raises:
        SolveError: a path did not reach its end, or has no derivative.
        ValueError: a number is not finite, or what should be differentiated cannot.
    """
    recorded = torch.is_grad_enabled() and (u0.requires_grad or p.requires_grad)
    wanted = (u0.requires_grad, p.requires_grad) if recorded else (True, True)
    if not recorded and not transformed():
        found = follow(paths.run(u0, p, span, times)).u
        return torch.from_numpy(found if u0.ndim > 1 else found[0])
    return _applied(Call(paths, wanted), u0, p, span, times)


def _applied(call: Call, *inputs: Tensor) -> Tensor:
    return Follow.apply(call, *inputs)  # type: ignore[return-value]


class Follow(Differentiable):
    """Paths."""

    @staticmethod
    def forward(call: Call, u0: Tensor, p: Tensor, span: Tensor, times: Tensor) -> Tensor:
        """The saved states."""
        u = call.record(call.paths.run(u0, p, span, times))
        return torch.from_numpy(u if u0.ndim > 1 else u[0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep what went in."""
        ctx.call, *tensors = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, weights: Tensor | None) -> tuple[Any, ...]:
        """Derivatives of sum(weights * what was saved)."""
        if weights is None:
            return (None,) * 5
        of_u0, of_p = wanted = tuple(ctx.needs_input_grad[1:3])
        refuse_times(any(ctx.needs_input_grad[3:]))
        by_u0, by_p = Back.apply(ctx.call, wanted, *ctx.saved_tensors, weights)  # type: ignore[misc]
        return None, by_u0 if of_u0 else None, by_p if of_p else None, None, None

    @staticmethod
    def jvp(ctx: Any, call: None, du0: Tensor | None, dp: Tensor | None, *times: Tensor | None) -> Tensor:
        """The derivative along a direction."""
        refuse_nested_forward()
        refuse_times(any(one is not None for one in times))
        u0, p, *_ = ctx.saved_tensors
        du0 = torch.zeros_like(u0) if du0 is None else du0
        dp = torch.zeros_like(p) if dp is None else dp
        return Along.apply(ctx.call, *ctx.saved_tensors, du0, dp)  # type: ignore[return-value]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], call: Call, *inputs: Tensor) -> tuple[Tensor, int]:
        """A batch of batches is a batch, and its members paths one after another."""
        dims, size = in_dims[1:], info.batch_size
        spread = [_spread(one, dim, size) for one, dim in zip(inputs[:2], dims, strict=False)]
        leading = spread[0].shape[:-1]
        new = Call(call.paths, call.wanted)
        u = _applied(new, *map(_rows, spread), *_times(inputs[2:], dims[2:], size))
        return u.reshape(*leading, *u.shape[1:]), 0


class _Once(Differentiable):
    """What has no derivative here."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, *weights: Any) -> Any:
        """There is none.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(TWICE)

    @staticmethod
    def jvp(ctx: Any, *directions: Any) -> Any:
        """There is none.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(TWICE)


class Back(_Once):
    """What goes back through paths. The weights may have one more axis before all others, which the
    derivatives then have too."""

    @staticmethod
    def forward(
        call: Call,
        wanted: tuple[bool, bool],
        u0: Tensor,
        p: Tensor,
        span: Tensor,
        times: Tensor,
        weights: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Derivatives by u0 and p, of what is wanted."""
        n, m = u0.shape[-1], p.shape[-1]
        count = len(u0) if u0.ndim > 1 else 1
        given = _numbers(weights).reshape(-1, count, *weights.shape[-2:])
        run, wrt = call.paths.run(u0, p, span, times), call.wrt()
        for member in range(count if len(run.u0) > 1 or len(run.p) > 1 else 1):
            refuse_vanishing_rates(_member(run, member), *directions_of(run, call.paths.wrt(wanted)))
        if call.steps is None or len(call.steps) != count:
            call.record(run)
        assert call.steps is not None
        by_u0, by_p = np.zeros((len(given), count, n)), np.zeros((len(given), count, m))
        for place, row in enumerate(given):
            if call.along is not None:
                found = np.einsum("btn,btnk->bk", row, call.along)
                by_u0[place][:, list(wrt.states)] = found[:, : len(wrt.states)]
                by_p[place][:, list(wrt.parameters)] = found[:, len(wrt.states) :]
            else:
                by_u0[place], by_p[place] = pull_back(run, call.steps, row, apart=True)
        leading = weights.shape[:-2]
        return (
            torch.from_numpy(by_u0.reshape(*leading, n)),
            torch.from_numpy(by_p.reshape(*leading, m)),
        )

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], call: Call, wanted: tuple[bool, bool], *tensors: Tensor
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """Several weights of the same paths, or a batch of batches."""
        size, dims = info.batch_size, in_dims[2:]
        u0, p, span, times, weights = tensors
        if dims[0] is None and dims[1] is None:
            rows = weights.movedim(dims[4], 0)
            several = rows.ndim - u0.ndim > 2
            given = rows.flatten(0, 1) if several else rows
            found = Back.apply(call, wanted, u0, p, span, times, given)
            return tuple(one.reshape(*rows.shape[:-2], one.shape[-1]) for one in found), (0, 0)  # type: ignore[return-value]
        u0, p, weights = (_spread(tensors[k], dims[k], size) for k in (0, 1, 4))
        shared = _times(tensors[2:4], dims[2:4], size)
        if weights.ndim - u0.ndim > 1:  # weights of their own axis stand before the members
            weights = weights.movedim(1, 0)
        leading = weights.shape[: weights.ndim - 2 - (u0.ndim - 1)]
        rows = [_rows(one) for one in (u0, p)]
        found = Back.apply(
            call, wanted, *rows, *shared, weights.reshape(*leading, len(rows[0]), *weights.shape[-2:])
        )
        place = len(leading)
        shaped = (one.reshape(*leading, *u0.shape[:-1], one.shape[-1]) for one in found)  # type: ignore[union-attr]
        return tuple(shaped), (place, place)  # type: ignore[return-value]


class Along(_Once):
    """Derivatives of paths along directions, which may have one more axis before all others."""

    @staticmethod
    def forward(
        call: Call, u0: Tensor, p: Tensor, span: Tensor, times: Tensor, du0: Tensor, dp: Tensor
    ) -> Tensor:
        """Derivatives of the saved states."""
        run = call.paths.run(u0, p, span, times)
        strategy_of("forward", run, call.wrt())
        leading = du0.shape[:-1]
        count = len(u0) if u0.ndim > 1 else 1
        rows = [
            np.ascontiguousarray(_numbers(one).reshape(-1, count, one.shape[-1]).swapaxes(0, 1))
            for one in (du0, dp)
        ]
        for member in range(count):
            refuse_vanishing_rates(_member(run, member), rows[0][member], rows[1][member])
        along = follow_along(run, *rows).along
        assert along is not None
        moved = np.moveaxis(along, 3, 0)
        return torch.from_numpy(moved.reshape(*leading, *moved.shape[2:]))

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], call: Call, *tensors: Tensor) -> tuple[Tensor, int]:
        """Several directions of the same paths, or a batch of batches."""
        size, dims = info.batch_size, in_dims[1:]
        u0, p, du0, dp = (_spread(tensors[k], dims[k], size) for k in (0, 1, 4, 5))
        if dims[0] is None and dims[1] is None:
            u0, p, span, times = tensors[:4]
            several = du0.ndim - u0.ndim > 1
            flat = [one.flatten(0, 1) if several else one for one in (du0, dp)]
            found: Any = Along.apply(call, u0, p, span, times, *flat)
            return found.reshape(*du0.shape[:-1], *found.shape[-2:]), 0
        shared = _times(tensors[2:4], dims[2:4], size)
        if du0.ndim > u0.ndim:
            du0, dp = du0.movedim(1, 0), dp.movedim(1, 0)
        leading = du0.shape[: du0.ndim - u0.ndim]
        rows = [_rows(one) for one in (u0, p)]
        directions = [one.reshape(*leading, len(rows[0]), one.shape[-1]) for one in (du0, dp)]
        found = Along.apply(call, *rows, *shared, *directions)
        return found.reshape(*leading, *u0.shape[:-1], *found.shape[-2:]), len(leading)


def _member(run: PathRun, member: int) -> Problem:
    """The problem of one of the paths."""
    u0, p = (one[min(member, len(one) - 1)] for one in (run.u0, run.p))
    return problem_at(run.problem, Point(u0, p, np.array(run.problem.tspan), run.times))


def directions_of(run: PathRun, wrt: Wrt) -> tuple[np.ndarray, np.ndarray]:
    """Changes of initial state (k, n) and parameters (k, m), one after another."""
    n, m = len(run.problem.u0), len(run.problem.p)
    states, parameters = list(wrt.states), list(wrt.parameters)
    du0 = np.concatenate([np.eye(n)[states], np.zeros((len(parameters), n))])
    return du0, np.concatenate([np.zeros((len(states), m)), np.eye(m)[parameters]])


def _numbers(tensor: Tensor) -> np.ndarray:
    """The numbers of weights or directions.

    Raises:
        NotImplementedError: they are several at once in the older manner of torch.
    """
    try:
        return tensor.detach().double().numpy()
    except RuntimeError as error:
        raise NotImplementedError(
            "torch.autograd.grad(..., is_grads_batched=True) and vectorize=True know no functions of others: "
            "take torch.func.vmap of torch.func.vjp, or torch.func.jacrev"
        ) from error


def _rows(x: Tensor) -> Tensor:
    """All axes of batches as one."""
    return x.reshape(-1, x.shape[-1])


def _times(tensors: Any, dims: Any, size: int) -> list[Tensor]:
    """Span and saved times of a batch of batches: those that all share, or rows of each."""
    pairs = zip(tensors, dims, strict=True)
    return [one if dim is None else _rows(_spread(one, dim, size)) for one, dim in pairs]


def _spread(x: Tensor, dim: int | None, size: int) -> Tensor:
    """An input with the mapped axis first."""
    return x.expand(size, *x.shape) if dim is None else x.movedim(dim, 0)
