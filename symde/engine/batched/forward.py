"""One solve without gradients."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.attempts import Attempts, KeptAttempts, NewAttempts, Span, attempt_function
from symde.engine.batched.control import Progress, first_step, law_of, tolerance_of
from symde.engine.batched.equation import Equation
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.families import stepper_for
from symde.engine.batched.loop import BETWEEN_LOOKS, Outcome, run
from symde.engine.batched.problem import Options
from symde.engine.batched.record import Record
from symde.engine.batched.saves import Saves
from symde.engine.batched.step import Stepper
from symde.engine.cpu.recording import tightness


@dataclass(frozen=True, slots=True)
class Forward:
    """A solve that was made.

    Attributes:
        u: Saved states (T, n, B), or those at the end as (1, n, B).
        outcome: How it ended.
        stepper: The method, for replay.
        saves: What was saved where, None where only the end was asked for.
        record: The attempts, where they were to be kept.
    """

    u: Tensor
    outcome: Outcome
    stepper: Stepper
    saves: Saves | None
    record: Record | None


@torch.no_grad()
def solve(
    rhs: Any, u0: Tensor, p: Tensor | None, t0: Tensor, t1: Tensor, times: Tensor | None,
    options: Options, keep: bool,
) -> Forward:  # fmt: skip
    """Solve a batch; `keep` records the attempts for replay."""
    u0 = u0.detach().contiguous()
    p, t0, t1 = None if p is None else p.detach().contiguous(), t0.detach().contiguous(), t1.detach().contiguous()
    tolerance, law = tolerance_of(options.rtol, options.atol, u0), law_of(options.method)
    span = Span(t1, options.direction, p, tolerance, law, options.dtmax)
    equation = Equation(rhs)
    stepper = stepper_for(options.method, equation, u0, tolerance, tightness(options.rtol) if keep else 1.0)
    if options.dt0 is None:
        h = first_step(equation, t0, t1, options.direction, u0, p, tolerance, law, options.dtmax)
    else:
        h = torch.full_like(t0, min(options.dt0, options.dtmax))
    non_finite = torch.isnan(h)
    nothing = torch.zeros_like(t0)
    progress = Progress(t0, u0, torch.where(non_finite, 0.0, h), nothing, nothing > 0)
    saves = None if times is None else Saves(times.detach(), t0, u0, options.direction)
    record = Record() if keep else None
    slots = BETWEEN_LOOKS if saves is not None else 1
    attempts = _attempts(stepper, span, u0, slots, options.compiled)
    outcome = run(attempts, stepper, span, progress, non_finite, saves, record, options.max_steps)
    done = outcome.progress.t == t1
    u = torch.where(done, outcome.progress.u, math.nan)[None] if saves is None else saves.u
    return Forward(u, outcome, stepper, saves, record)


def _attempts(stepper: Stepper, span: Span, u: Tensor, slots: int, compiled: bool) -> Attempts:
    if compiled:
        return NewAttempts(stepper, span, slots, _compiled(stepper, slots > 1))
    if isinstance(stepper, ExplicitStepper):
        return KeptAttempts(stepper, span, u, slots)
    return NewAttempts(stepper, span, slots, attempt_function(stepper, slots > 1))


@functools.lru_cache(maxsize=16)
def _compiled(stepper: Stepper, keep_stages: bool) -> Any:
    return torch.compile(attempt_function(stepper, keep_stages), fullgraph=True, dynamic=False)
