"""Forward sensitivities of solves with events in one run: the columns go over events as they happen.

States and columns are solved as one system that has the model's events. The compiled loop maps columns at
known times by itself; at all others it calls what is here.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.event_record import Happening
from symde.problem.retcode import Retcode
from symde.sensitivity.augmented import augmented_problem, augmented_start, augmented_system
from symde.sensitivity.forward import ForwardRecord, indices, solved_whole, with_followers
from symde.sensitivity.integrate import begin_run
from symde.sensitivity.modes import branches_are_modes, tells_of_sliding, warn_of_release, with_sliding
from symde.sensitivity.moments import Modes, MomentReader
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Delayed
from symde.sensitivity.scales import columns_tolerance
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back


class Carrier:
    """Takes the columns of one run over its events.

    Args:
        run: What is solved.
        start: Derivatives of its start.
        parameters: Indices of the parameters that have a column.
        count: Number of columns.

    Attributes:
        moving: Derivatives of the state that moves with the last event, shape (n, count).
        dt: Derivatives of its time, shape (count,).
    """

    def __init__(self, run: Run, start: Start, parameters: tuple[int, ...], count: int) -> None:
        self._run, self._start, self._parameters, self._count = run, start, parameters, count
        self._n, self._kept = len(run.problem.u0), Delayed()
        self._by = np.zeros((len(run.problem.p), count))
        self._by[list(parameters), range(len(parameters))] = 1.0
        self._reader: MomentReader | None = None
        self.moving, self.dt = np.zeros((self._n, count)), np.zeros(count)

    @property
    def reader(self) -> MomentReader:
        """What tells how events depend on what there are columns for; made where one is asked for."""
        if self._reader is None:
            self._reader = MomentReader(self._run, self._start)
        return self._reader

    def carry(self, group: list[Happening], u: np.ndarray, modes: Modes | None) -> None:
        """Take the columns behind the states u over what has happened at one time.

        Raises:
            ValueError: the solution has no derivative there, with the reason.
        """
        columns = u[self._n :].reshape(self._n, -1)[:, : self._count]
        moment = self.reader.moment(group[0].t, group, False, modes)
        columns[...], self.moving, self.dt = moment.forward(columns.copy(), self._by, self._kept)

    def times(self, times: np.ndarray, events: np.ndarray, width: int) -> np.ndarray | None:
        """Derivatives of known times, shape (number, width); None where none of them moves."""
        derivatives, t0 = self.reader.derivatives, self._run.problem.tspan[0]
        known = {index: derivatives.times(index) for index in set(events.tolist())}
        by_t0 = self._start.span[0][list(self._parameters)]
        if not (any(one.moves for one in known.values()) or by_t0.any()):
            return None
        rows, chosen = np.zeros((len(times), width)), list(self._parameters)
        for row, (t, index) in enumerate(zip(times.tolist(), events.tolist(), strict=True)):
            by_parameters, by_start = known[index].derivative(t, t0, self._run.problem.p)
            rows[row, : len(chosen)] = by_parameters[chosen] + by_start * by_t0
        return rows if rows.any() else None


def record(run: Run, wrt: Wrt) -> ForwardRecord:
    """Solve states and columns with their events.

    Raises:
        ValueError: a method cannot, with the alternatives; the solution has no derivative at an event.
        SolveError: the solve did not reach its end.
    """
    problem, start = run.problem, start_of(run.problem)
    parameters = with_followers(start, wrt)
    whole = solved_whole(run.plan.methods)
    t0, t1 = problem.tspan
    if t1 < t0:
        raise ValueError(
            "derivatives of solves with events go forwards in time: give a time span that ascends"
        )
    system: Any = augmented_system(problem.system, parameters, wrt.states, whole, events=True)
    plan, count = plan_like(run.plan, system), len(parameters) + len(wrt.states)
    carrier, n = Carrier(run, start, parameters, count), len(problem.u0)
    session, locked = borrow(system, plan), branches_are_modes(problem.system)
    executive: Any = session.executive
    try:
        columns_tolerance(run, system, indices(parameters), indices(wrt.states), session.atol)
        augmented_start(problem, system, start, session.u)
        session.p[...] = problem.p
        executive.carrier = carrier
        executive.report(locked)
        begin_run(session, run, problem.tspan)
        executive.memory.data.asking = tells_of_sliding(problem.system)
        started = time.perf_counter()
        status = session.run()
        if status == Status.SLIDING:
            return record(with_sliding(run, executive.memory.data.found), wrt)
        if status not in (Status.DONE, Status.TERMINATED):
            finish(session, augmented_problem(problem, system, start), status, started, throw=True)
        solution = finish(session, problem, status, started, throw=True)
        reached = float(session.state.t)
        if executive.releases and locked:
            warn_of_release(problem)
    finally:
        executive.carrier = None
        executive.report(False)
        give_back(plan, session)
    every = solution.u
    columns = every[:, n:].reshape(len(every), n, system.kernels.width)[:, :, :count]
    solution.u = np.ascontiguousarray(every[:, :n])
    ended = solution.retcode == Retcode.TERMINATED
    if ended and run.times is not None and run.times.tolist() == [t1] != [reached]:
        solution.t, solution.u = np.array([reached]), solution.events[-1].after[None].copy()
        columns = carrier.moving[None].copy()
    ended = ended and len(solution.t) > 0 and solution.t[-1] == reached
    if ended:
        columns = columns.copy()
        columns[-1] = carrier.moving
    return ForwardRecord(run, wrt, start, parameters, columns, solution, carrier.dt if ended else None)
