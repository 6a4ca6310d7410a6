"""One solve without gradients."""

from __future__ import annotations

import functools
import importlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from symde.engine.batched.alone import Start, run_alone
from symde.engine.batched.attempts import Attempts, KeptAttempts, NewAttempts, Span, attempt_function
from symde.engine.batched.control import Progress, first_step, law_of, tolerance_of
from symde.engine.batched.equation import Equation
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.explicit_rows import MOST_ROWS, row_attempt_function
from symde.engine.batched.families import stepper_for
from symde.engine.batched.loop import Outcome, run
from symde.engine.batched.problem import Batch
from symde.engine.batched.record import BETWEEN_LOOKS, FEW, LIGHT, Record
from symde.engine.batched.saves import Saves
from symde.engine.batched.step import Stepper
from symde.engine.cpu.layout import LARGEST_GROWTH
from symde.engine.cpu.recording import tightness

if TYPE_CHECKING:
    from symde.engine.batched.events.moments import Happened

COMPILER = "inductor"
"""What torch compiles a step with."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A solve that was made.

    Attributes:
        u: Saved states (T, n, B), or those at the end as (1, n, B).
        outcome: How it ended.
        stepper: The method, for replay.
        p: The parameters.
        saves: What was saved where, None where only the end was asked for.
        record: The attempts, where they were to be kept.
        happened: The events that took place; None where there are none that could.
    """

    u: Tensor
    outcome: Outcome
    stepper: Stepper
    p: Tensor | None
    saves: Saves | None
    record: Record | None
    happened: Happened | None = None

    def with_states(self, u: Tensor, logged: tuple[Tensor, ...] = ()) -> Forward:
        """The same with saved states, and a log of events, that have a history."""
        if self.happened is None:
            return replace(self, u=u)
        return replace(self, u=u, happened=replace(self.happened, logged=logged))


@torch.no_grad()
def solve(batch: Batch, keep: bool, stages: bool = False, size: Tensor | None = None) -> Forward:
    """Solve a batch.

    Args:
        batch: What is to be solved.
        keep: Whether the attempts are recorded for replay.
        stages: Whether those of few states are recorded with their stages.
        size: First step sizes, shape (B,), in place of the options'.
    """
    options, times = batch.options, batch.times
    u0, t0, t1 = (one.detach().contiguous() for one in (batch.u0, batch.t0, batch.t1))
    p = None if batch.p is None else batch.p.detach().contiguous()
    law = law_of(options.method, u0.device)
    tolerance = tolerance_of(options.rtol, options.atol, u0, options.norm)
    largest = torch.tensor(options.dtmax, dtype=torch.float64, device=u0.device)
    span = Span(t1, options.direction, p, tolerance, law, largest)
    equation = Equation(batch.rhs)
    stepper = stepper_for(options.method, equation, u0, tolerance, tightness(options.rtol) if keep else 1.0)
    saves = None if times is None else Saves(times.detach(), t0, u0, options.direction)
    stages = keep and stages and isinstance(stepper, ExplicitStepper) and _is_light(batch)
    record = Record(stages=[] if stages else None) if keep else None
    if size is None and options.dt0 is not None:
        size = torch.full_like(t0, min(options.dt0, options.dtmax))
    happened = None
    if batch.events is not None:
        progress, non_finite, slopes = _begun(batch, stepper, span, u0, t0, size)
        run_with_events = importlib.import_module("symde.engine.batched.events.loop").run_with_events
        outcome, happened = run_with_events(
            batch.events, stepper, span, progress, non_finite, slopes, saves, record, options.max_steps
        )
    elif isinstance(stepper, ExplicitStepper) and _alone(batch):
        h = None if size is None else float(size)
        outcome = run_alone(
            stepper, span, Start(float(t0), u0, h, batch.slopes), saves, record, options.max_steps
        )
    else:
        slots = BETWEEN_LOOKS if stages or saves is not None else 1
        attempts = _attempts(batch, stepper, span, u0, slots)
        if size is None:
            size, slopes = first_step(
                equation, t0, t1, options.direction, u0, p, tolerance, law, largest, batch.slopes
            )
            attempts.begin(slopes)
        non_finite, nothing = torch.isnan(size), torch.zeros_like(t0)
        progress = Progress(t0, u0, torch.where(non_finite, 0.0, size), nothing, nothing + LARGEST_GROWTH)
        outcome = run(attempts, stepper, span, progress, non_finite, saves, record, options.max_steps)
    done = outcome.progress.t == t1
    u = torch.where(done, outcome.progress.u, math.nan)[None] if saves is None else saves.u
    return Forward(u, outcome, stepper, p, saves, record, happened)


def _begun(
    batch: Batch, stepper: Stepper, span: Span, u: Tensor, t: Tensor, size: Tensor | None
) -> tuple[Progress, Tensor, Tensor]:
    """Where members with events start, who cannot, and the slopes there."""
    if size is None:
        size, slopes = first_step(
            stepper.equation, t, span.t_end, span.direction, u, span.p, span.tolerance, span.law,
            span.largest, batch.slopes,
        )  # fmt: skip
    else:
        slopes = stepper.equation(t, u, span.p) if batch.slopes is None else batch.slopes
    non_finite, nothing = torch.isnan(size), torch.zeros_like(t)
    size = torch.where(non_finite, 0.0, size)
    return Progress(t, u, size, nothing, nothing + LARGEST_GROWTH), non_finite, slopes


def _is_light(batch: Batch) -> bool:
    states = batch.u0.numel()
    return states <= FEW and states * batch.extent <= LIGHT


def _alone(batch: Batch) -> bool:
    return batch.u0.shape[1] == 1 and batch.u0.device.type == "cpu" and not batch.options.compiled


def _attempts(batch: Batch, stepper: Stepper, span: Span, u: Tensor, slots: int) -> Attempts:
    if batch.options.compiled:
        # what is compiled must not know this solve
        kept, whole = _compiled(batch.rhs, batch.options.method, len(u), u.dtype, u.device, slots > 1)
        return NewAttempts(kept, span, slots, whole)
    if isinstance(stepper, ExplicitStepper):
        return KeptAttempts(stepper, span, u, slots)
    return NewAttempts(stepper, span, slots, attempt_function(stepper, slots > 1))


@functools.lru_cache(maxsize=16)
def _compiled(
    rhs: Any, method: Any, states: int, dtype: torch.dtype, device: torch.device, keep_stages: bool
) -> tuple[Stepper, Any]:
    like = torch.empty(1, 1, dtype=dtype, device=device)
    stepper = stepper_for(method, Equation(rhs), like, tolerance_of(0.0, 1.0, like), 1.0)
    if isinstance(stepper, ExplicitStepper) and hasattr(rhs, "rows") and states <= MOST_ROWS:
        whole = row_attempt_function(stepper, keep_stages)
    else:
        whole = attempt_function(stepper, keep_stages)
    return stepper, torch.compile(whole, backend=COMPILER, fullgraph=True, dynamic=False)
