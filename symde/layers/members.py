"""Members of an ensemble side by side, by the batched engine: `symde.ensemble(problem, backend="torch")`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.events.log import EventLog
from symde.engine.batched.integrate import integrate
from symde.engine.cpu.layout import Status
from symde.layers.batched import method_of
from symde.layers.explained import explain
from symde.layers.module import home_of, module_of, require_type
from symde.layers.module_events import events_of
from symde.outcome import RETCODES
from symde.problem import options
from symde.problem.event_record import EventRecord
from symde.problem.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class SolvedMembers:
    """Some members, solved.

    Attributes:
        u: Saved states, shape (B, n_times, n), NaN where a member did not get so far.
        codes: The `Status` of each, shape (B,).
        ends, states: Where each ended, shapes (B,) and (B, n).
        accepted, rejected: Steps of each, shape (B,).
        log: The events; None where there are none that could take place.
    """

    u: np.ndarray
    codes: np.ndarray
    ends: np.ndarray
    states: np.ndarray
    accepted: np.ndarray
    rejected: np.ndarray
    log: EventLog | None

    def events(self, row: int) -> tuple[EventRecord, ...]:
        """The events of one of them."""
        return () if self.log is None else tuple(self.log.records(row))


class MembersByTorch:
    """What solves members of a problem.

    Args:
        problem: Whose members they are.
        method: As in `symde.solve` by this engine.
        rtol, atol: Tolerances.
        steps: dt0, dtmax and max_steps, by name.

    Raises:
        ValueError, TypeError: an option is not what it should be, or the engine does not solve such a model.
    """

    def __init__(
        self, problem: Problem, method: Any, rtol: float, atol: Any, steps: Mapping[str, Any]
    ) -> None:
        system = problem.system
        self._problem, self._rtol = problem, options.relative_tolerance(rtol)
        self.method = method_of(method, self._rtol)
        self._atol = options.absolute_tolerance(atol, system.state_names, system.nominal, self._rtol)
        self._steps = {
            "dt0": options.step_size(steps["dt0"], "dt0"),
            "dtmax": options.step_size(steps["dtmax"], "dtmax"),
            "max_steps": options.step_limit(steps["max_steps"]),
        }
        self._rhs = module_of(system)
        require_type(system, torch.float64)
        self._events = events_of(system)

    @torch.no_grad()
    def solve(self, u0: np.ndarray, p: np.ndarray, times: np.ndarray) -> SolvedMembers:
        """Solve members.

        Args:
            u0, p: Initial states, shape (B, n), and parameters, (B, m).
            times: Times to save, shape (n_times,).
        """
        home = home_of(self._rhs)
        start, given = (torch.tensor(one.T, dtype=torch.float64, device=home) for one in (u0, p))
        found = integrate(
            self._rhs, start, given, *self._problem.tspan, torch.tensor(times), self.method, self._rtol,
            self._atol, **self._steps, events=self._events,
        )  # fmt: skip
        return SolvedMembers(
            _numbers(found.u.permute(2, 0, 1)),
            _numbers(found.status),
            _numbers(found.t),
            _numbers(found.state.T),
            _numbers(found.accepted),
            _numbers(found.rejected),
            found.events,
        )

    def explain(self, found: SolvedMembers, row: int) -> str:
        """Why a member failed, in the modeller's words."""
        events = found.events(row)
        return explain(
            self._problem, RETCODES[Status(int(found.codes[row]))], float(found.ends[row]),
            found.states[row], int(found.accepted[row]), events[-1].name if events else None,
        )  # fmt: skip


def _numbers(x: Tensor) -> np.ndarray:
    return x.cpu().numpy()
