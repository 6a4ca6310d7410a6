"""The steps and the continuous solution of a recorded solve of one member."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.forward import Forward


def _counted(found: Forward) -> tuple[Tensor, Tensor, Tensor]:
    """Starts (steps,), sizes (steps,) and states at the start (n, steps) of the accepted steps."""
    assert found.record is not None
    pieces = found.record.pieces
    counted = torch.cat([one.counted[:, 0] for one in pieces]) if pieces else torch.zeros(0, dtype=torch.bool)
    if not pieces or not bool(counted.any()):
        nothing = found.outcome.progress.t[:0]
        return nothing, nothing, found.outcome.progress.u[:, :0]
    t, h = (torch.cat([one[i][:, 0] for one in pieces])[counted] for i in (0, 1))
    return t, h, torch.cat([one.u[:, :, 0] for one in pieces])[counted].T.contiguous()


def steps(found: Forward) -> tuple[np.ndarray, np.ndarray]:
    """Times and states of every accepted step, the start among them: (steps + 1,), (steps + 1, n). Where the
    state jumps at events there are two rows of one time."""
    t, _, u = _counted(found)
    progress = found.outcome.progress
    times = torch.cat([t, progress.t]).cpu().numpy()
    states = torch.cat([u, progress.u], 1).T.contiguous().cpu().numpy()
    when, before = _jumps(found)
    places = np.searchsorted(times, when)
    return np.insert(times, places, when), np.insert(states, places, before, 0)


def _jumps(found: Forward) -> tuple[np.ndarray, np.ndarray]:
    """Times at which events took place (jumps,), and the states before them (jumps, n)."""
    progress = found.outcome.progress
    if found.happened is None or not found.happened.log.length:
        return np.empty(0), np.empty((0, len(progress.u)))
    t, before, _ = (one.detach().cpu().numpy() for one in found.happened.logged)
    first = np.unique(t, return_index=True)[1]
    return t[first], before.T[first]


@torch.no_grad()
def rows(found: Forward) -> np.ndarray:
    """The interpolants as `symde.problem.dense.DenseOutput` keeps them: start, length, coefficients of
    powers.

    All steps are done again side by side, as members of one batch.
    """
    t, h, u = _counted(found)
    stepper, p = found.stepper, found.p
    if not len(t):
        return np.empty((0, 2 + len(u)))
    step = stepper.attempt(t, h, u, p)
    stages = stepper.complete(torch.stack(list(step.stages)), t, h, u, p)
    powers = stepper.coefficients()
    parts = [stepper.combine(stages, h, row.expand(len(t), -1)) for row in powers]
    coefficients = torch.stack([u, *parts]).permute(2, 0, 1).reshape(len(t), -1)
    every = torch.cat([t[:, None], h[:, None], coefficients], 1).cpu().numpy()
    return _with_limits(found, every)


def _with_limits(found: Forward, rows: np.ndarray) -> np.ndarray:
    """The rows with constant ones for limits that no step has: before an event at the start, and after one at
    the end."""
    when, before = _jumps(found)
    progress, direction = found.outcome.progress, np.sign(rows[0, 1])

    def constant(t: float, u: np.ndarray) -> np.ndarray:
        row = np.zeros((1, rows.shape[1]))
        row[0, 0], row[0, 1], row[0, 2 : 2 + len(u)] = t, direction, u
        return row

    if len(when) and when[0] == rows[0, 0]:
        rows = np.concatenate([constant(when[0], before[0]), rows])
    end = float(progress.t[0])
    if len(when) and when[-1] == end:
        rows = np.concatenate([rows, constant(end, progress.u[:, 0].cpu().numpy())])
    return rows
