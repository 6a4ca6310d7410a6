"""The loop of a batch: attempts without a look at their outcome, and one look every few attempts, or after
each where a look is cheap.

A member that has ended, or was given up, goes on with steps of size 0 until all have: what it holds does not
change, and no member's result depends on the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from symde.engine.batched.attempts import Attempts, Made, Span
from symde.engine.batched.control import UNSOLVED, Progress
from symde.engine.batched.record import BETWEEN_LOOKS, Record, cheap_looks
from symde.engine.batched.saves import Saves, Steps, places_of
from symde.engine.batched.step import Stepper
from symde.engine.cpu.layout import Status


@dataclass(slots=True)
class Outcome:
    """How a solve of a batch ended.

    Attributes:
        progress: Where the members stand.
        status: `Status` of each as a number, shape (B,).
        accepted, rejected: Counts of each member, shape (B,).
        attempts: Made for the whole batch.
    """

    progress: Progress
    status: Tensor
    accepted: Tensor
    rejected: Tensor
    attempts: int


def run(
    attempts: Attempts,
    stepper: Stepper,
    span: Span,
    progress: Progress,
    non_finite: Tensor,
    saves: Saves | None,
    record: Record | None,
    max_steps: int,
) -> Outcome:
    """Advance all members to their end.

    Args:
        attempts: Makes the attempts.
        stepper: The method, for interpolation.
        span: What all attempts share.
        progress: Where the members start; first step sizes included, 0 for those that cannot start.
        non_finite: Members whose right-hand side was not finite at last, shape (B,).
        saves: Times to save.
        record: Where attempts are kept for replay.
        max_steps: Largest number of attempts.
    """
    counted = torch.zeros_like(progress.t, dtype=torch.int64)
    tried, made_before = torch.zeros_like(counted), 0
    running = bool(_goes_on(progress, span).any())
    looks = cheap_looks(progress.t.device)
    while made_before < max_steps and running:
        some = min(BETWEEN_LOOKS, max_steps - made_before)
        start, made = progress, []
        for slot in range(some):
            made.append(attempts.make(slot, progress))
            progress = made[-1].progress
            if looks and torch.equal(progress.t, span.t_end):  # those given up are seen at the next full look
                break
        some = len(made)
        befores = [start, *(one.progress for one in made[:-1])]
        live = torch.stack([one.attempt.h for one in made]) != 0.0
        accepted = torch.logical_and(torch.stack([one.accepted for one in made]), live)
        counted, tried = counted + accepted.sum(0), tried + live.sum(0)
        non_finite = _last_non_finite(made, live, non_finite)
        if record is not None:
            steps = _stacked(made, befores)
            kept = None if record.stages is None else attempts.stages(some).clone()
            record.add(steps.t, steps.h, steps.u, accepted, kept)
        goes_on = _goes_on(progress, span)
        if saves is None:
            running = bool(goes_on.any())
        else:
            steps = _stacked(made, befores)
            low, counts = saves.counts(steps.t, steps.t_new, accepted)
            # one look for both questions
            running, total = torch.stack((goes_on.sum(), counts.sum())).tolist()
            if total:
                places = places_of(saves.times, low, counts, total, steps, attempts.stages(some))
                saves.write(stepper, places, span.p, made_before)
        made_before += some
    return Outcome(progress, _status(progress, span, non_finite), counted, tried - counted, made_before)


def _goes_on(progress: Progress, span: Span) -> Tensor:
    return torch.logical_and(progress.t != span.t_end, progress.h_next > 0.0)


def _last_non_finite(made: list[Made], live: Tensor, before: Tensor) -> Tensor:
    """Whether the last attempt that a member really made was rejected for a value that is not finite."""
    bad = ~(torch.stack([one.mean_square for one in made]) < UNSOLVED)
    order = torch.arange(1, len(made) + 1, device=before.device)[:, None]
    last = (live * order).amax(0)
    found = bad.gather(0, (last - 1).clamp(min=0)[None])[0]
    return torch.where(last > 0, found, before)


def _stacked(made: list[Made], befores: list[Progress]) -> Steps:
    return Steps(
        torch.stack([one.t for one in befores]),
        torch.stack([one.attempt.t_new for one in made]),
        torch.stack([one.attempt.h for one in made]),
        torch.stack([one.u for one in befores]),
        torch.stack([one.progress.u for one in made]),
    )


def _status(progress: Progress, span: Span, non_finite: Tensor) -> Tensor:
    given_up = torch.where(non_finite, int(Status.NON_FINITE), int(Status.STEP_TOO_SMALL))
    ended = torch.where(progress.t == span.t_end, int(Status.DONE), int(Status.MAX_STEPS))
    return torch.where(torch.logical_and(progress.t != span.t_end, progress.h_next == 0.0), given_up, ended)
