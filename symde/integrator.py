"""Stepping a problem by hand."""

from __future__ import annotations

import time
from typing import Any, Never, NoReturn

import numpy as np

from symde.call_events import with_call_events
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import Phase, Status
from symde.lowering import let_slide, solved_system
from symde.outcome import RETCODES, collect, explain
from symde.plan import plan_for
from symde.problem import options
from symde.problem.problem import Problem, remake
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution, SolveError
from symde.problem.stats import Stats
from symde.problem.values import real, states_by_name
from symde.sessions import make_session
from symde.solve import begin


class Integrator:
    """A solve that goes on only when asked.

        integrator = symde.Integrator(problem, "Rodas5P")
        integrator.step()            # one accepted step
        integrator.advance(10.0)     # exactly to t = 10
        integrator.t, integrator.u

    Args:
        problem: What to solve; its span tells the start, the direction and how far stepping may go.
        method, rtol, atol, events, dt0, dtmax, max_steps, linear_solver, preconditioner: As in `symde.solve`.

    Raises:
        ValueError, TypeError: as `symde.solve`.
    """

    def __init__(
        self,
        problem: Problem,
        method: Any = None,
        *,
        rtol: float = options.DEFAULT_RTOL,
        atol: Any = options.DEFAULT_ATOL,
        events: Any = None,
        dt0: float | None = None,
        dtmax: float | None = None,
        max_steps: int = options.DEFAULT_MAX_STEPS,
        linear_solver: str = linear_solvers.AUTO,
        preconditioner: Any = None,
        **unknown: Never,
    ) -> None:
        if unknown:
            options.refuse_unknown(unknown, Integrator.__init__)
        if not isinstance(problem, Problem):
            raise TypeError(f"Integrator takes a symde.Problem, found {type(problem).__name__}")
        if events is not None:
            problem = with_call_events(problem, events)
        self.problem = self._given = problem
        self._atol = atol
        self._options = method, rtol, dt0, dtmax, max_steps, linear_solver, preconditioner
        self._make_session()
        self.reinit()

    def _make_session(self) -> None:
        system: Any = self._given.system
        system = system.solved or solved_system(system)
        self._plan = plan_for(system, *self._options)
        self._session = make_session(system, self._plan)

    def reinit(self, u: Any = None, t: float | None = None, p: Any = None) -> None:
        """Start afresh; from another state, time or parameters where given (by order or by name).

        Initial values that depend on parameters follow them. The history of steps, the saved points and the
        counts are forgotten. Without arguments it is the problem as first given.
        """
        changes = {name: value for name, value in (("u0", u), ("p", p)) if value is not None}
        self.problem = remake(self._given, **changes) if changes else self._given
        self._log: list[tuple[str, Any]] = []
        self._begin(None if t is None else real(t, "t"))
        self._started, self._failed, self._terminated = time.perf_counter(), False, False

    def _begin(self, t: float | None) -> None:
        """Begin at the start of the problem, or at another time."""
        self._begun_at = t
        begin(self._session, self.problem, self._plan, self._atol, saveat=None, dense=True, single_step=True)
        if t is not None:
            self._start_at(t, *self.problem.tspan)
        executive: Any = self._session.executive
        if executive is not None:
            executive.memory.data.asking = getattr(self._given.system.solved, "asks", False)
        self._session.output.t[0], self._session.output.u[0] = self.t, self._session.u

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Integrator holds the memory of a running solve: copy its solution() instead")

    def _start_at(self, t: float, t0: float, t1: float) -> None:
        if not min(t0, t1) <= t <= max(t0, t1):
            raise ValueError(f"t = {t:g} is outside the problem's span {t0:g} to {t1:g}")
        self._session.state.t = self._session.state.t_old = t

    def __repr__(self) -> str:
        return f"<Integrator at t = {self.t:g} of {self.problem!r}>"

    @property
    def t(self) -> float:
        """The present time."""
        return self._session.state.t

    @property
    def u(self) -> np.ndarray:
        """The present state, shape (n,); a copy."""
        return self._session.vector("u")

    @property
    def dt(self) -> float:
        """The size proposed for the next step (0 before the first)."""
        return self._session.state.h_next

    @property
    def done(self) -> bool:
        """Whether the end of the span is reached, or an event has ended the solve."""
        state = self._session.state
        return self._terminated or (state.t_end - state.t) * state.direction <= 0

    @property
    def state(self) -> dict[str, float]:
        """The present state by name."""
        return dict(zip(self.problem.system.state_names, self.u.tolist(), strict=True))

    @property
    def stats(self) -> Stats:
        """Counts of the work so far."""
        return Stats(**self._session.counters().as_dict(), seconds=time.perf_counter() - self._started)

    def step(self) -> float:
        """Take one accepted step, at most to the next event; the new time. At the end of the span, and after
        an event that ends the solve, nothing happens.

        Raises:
            SolveError: no step is possible.
        """
        self._run(None)
        if self._log and self._log[-1][0] == "step":
            self._log[-1] = "step", self._log[-1][1] + 1
        else:
            self._log.append(("step", 1))
        return self.t

    def advance(self, t: float) -> np.ndarray:
        """Advance exactly to time t and give the state there, shape (n,).

        Raises:
            ValueError: t is behind, or beyond the span.
            SolveError: t cannot be reached.
        """
        t, state = real(t, "t"), self._session.state
        if (t - state.t) * state.direction < 0:
            raise ValueError(f"t = {t:g} lies behind the present time {state.t:g}: reinit() starts afresh")
        if (t - state.t_end) * state.direction > 0:
            raise ValueError(f"t = {t:g} lies beyond the end of the span, {state.t_end:g}")
        if t == state.t:
            return self.u
        self._run(t)
        self._log.append(("advance", t))
        return self.u

    def set_u(self, u: Any) -> None:
        """Replace the present state (by order or by name) and go on from it."""
        values = self.u
        for name, value in states_by_name(u, self.problem.system).items():
            values[self.problem.system.state_names.index(name)] = value
        self._load(values)
        self._log.append(("set_u", values))

    def _load(self, values: np.ndarray) -> None:
        self._session.load_u(values)
        if self._failed:  # with a step that was too small for where it failed: choose one for where it is now
            state = self._session.state
            state.phase, state.h_next = Phase.START, self._plan.dt0 or 0.0
            self._session.arrays["carried"].fill(0.0)  # what methods remember is of the failure too
            self._failed = False

    def solution(self) -> Solution:
        """What has been computed so far, as a solution."""
        if self._terminated:
            return collect(self._session, self.problem, Retcode.TERMINATED, self._started)
        message = "" if self.done else f"stepped to t = {self.t:g} of {self.problem.tspan[1]:g}"
        return collect(self._session, self.problem, Retcode.SUCCESS, self._started, message)

    def _run(self, stop: float | None) -> None:
        """Take a step, or go on to a time."""
        if self._terminated:
            return
        status = self._go(stop)
        while status == Status.SLIDING:
            self._learn_sliding()
            status = self._go(stop)
        self._terminated = status == Status.TERMINATED
        if self._terminated or status in (Status.DONE, Status.STEPPED, Status.STOPPED):
            return
        self._failed = True
        if status == Status.CALLBACK:
            error = self.problem.system.take_error() or self._session.take_error()
            raise error if error is not None else RuntimeError("a model kernel failed without saying why")
        retcode = RETCODES[status]
        message = explain(self._session, self.problem, retcode)
        raise SolveError(message, collect(self._session, self.problem, retcode, self._started, message))

    def _go(self, stop: float | None) -> Status:
        session = self._session
        if stop is None:
            return session.run()
        session.stop_at(np.array([stop]))
        session.state.single_step = 0
        try:
            return session.run()
        finally:
            session.stop_at(None)
            session.state.single_step = 1

    def _learn_sliding(self) -> None:
        """The solution slides along a switch for the first time: with kernels that know how, all that has
        been done since the start is done again."""
        executive: Any = self._session.executive
        system: Any = self._given.system
        let_slide(system, executive.memory.data.found)
        self._make_session()
        self._begin(self._begun_at)
        self._failed = False
        for what, value in self._log:
            if what == "set_u":
                self._load(value)
            elif what == "advance":
                self._run(value)
            else:
                for _ in range(value):
                    self._run(None)
