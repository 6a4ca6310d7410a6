"""From the loop's status to a solution, or to an error that says where, why and what to try."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.inconsistent import explain_start
from symde.problem.dense import DenseOutput
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution, SolveError, SolveInterrupted
from symde.problem.system import NonFinite
from symde.unlocated import unlocated_switch

RETCODES = {
    Status.DONE: Retcode.SUCCESS,
    Status.MAX_STEPS: Retcode.MAX_STEPS,
    Status.STEP_TOO_SMALL: Retcode.STEP_TOO_SMALL,
    Status.NON_FINITE: Retcode.NON_FINITE,
    Status.STIFF: Retcode.STIFF,
    Status.SINGULAR: Retcode.SINGULAR,
    Status.DIVERGED: Retcode.DIVERGED,
    Status.TERMINATED: Retcode.TERMINATED,
    Status.CHATTERING: Retcode.CHATTERING,
    Status.ZENO: Retcode.ZENO,
    Status.INCONSISTENT: Retcode.INCONSISTENT,
    Status.UNDECIDED: Retcode.UNDECIDED,
    Status.BAD_RATE: Retcode.BAD_RATE,
}


def finish(
    session: Session, problem: Problem, status: Status | Retcode, started: float, throw: bool
) -> Solution:
    """The solution of a run that has ended."""
    retcode = status if isinstance(status, Retcode) else RETCODES.get(status)
    if retcode is None or not problem.system.compiled:
        error = problem.system.take_error() or session.take_error()
        if isinstance(error, KeyboardInterrupt):
            return interrupted(session, problem, error, started, throw)
        if error is not None:
            raise error
    if retcode is None:
        raise RuntimeError("a model kernel failed without saying why")
    if retcode.success:
        return collect(session, problem, retcode, started)
    message = explain(session, problem, retcode)
    solution = collect(session, problem, retcode, started, message)
    if throw:
        raise SolveError(message, solution)
    return solution


def interrupted(
    session: Session, problem: Problem, interrupt: KeyboardInterrupt, started: float, throw: bool
) -> Solution:
    """What was computed before Ctrl-C."""
    message = f"interrupted at t = {session.state.t:g}"
    solution = collect(session, problem, Retcode.INTERRUPTED, started, message)
    if throw:
        raise SolveInterrupted(message, solution) from interrupt
    return solution


def collect(
    session: Session, problem: Problem, retcode: Retcode, started: float, message: str = ""
) -> Solution:
    """Everything the session has saved, as a solution."""
    seconds = time.perf_counter() - started
    t, u = session.output.saved()
    dense = continuous(session) if session.dense_asked and session.state.keep_dense else None
    used = session.chosen if session.state.switches else session.chosen[:1]
    events = () if session.executive is None else session.executive.log
    return Solution(problem, t, u, retcode, dense, session.counters(), seconds, used, message, events)


def continuous(session: Session) -> DenseOutput | None:
    """The interpolants of the steps taken."""
    if not session.state.dense_count:
        return None
    return DenseOutput(session.output.interpolants(), session.n, session.state.t)


def explain(session: Session, problem: Problem, retcode: Retcode) -> str:
    """What happened, in the modeller's words: time, worst state, its equation and line, and a remedy."""
    if retcode is Retcode.INCONSISTENT:
        return explain_start(session, problem)
    state, system = session.state, problem.system
    lines = [f"{retcode.word}: {retcode.sentence}, at t = {state.t:.6g}"]
    if abs(state.h):
        lines[0] += f" (step size {abs(state.h):.3g}, after {state.accepted} steps)"
    if session.executive is not None and session.executive.reason:
        return f"{lines[0]}\n  help: {session.executive.reason}"
    if retcode is Retcode.UNDECIDED:
        return f"{lines[0]}\n{_meeting(session)}\n  help: {retcode.remedy}"
    u = session.vector("u")
    sliding = _sliding(session)
    if sliding:
        return f"{lines[0]}\n{sliding}"
    index, error = worst_component(session)
    equation = system.equation(index)
    where = f"{equation.file}, line {equation.line}" if equation.line else "no model text"
    lines.append(f"  worst state: {equation.state} = {u[index]:.6g}{error}")
    lines.append(f"  equation:    {equation.text}    ({where})")
    culprit = _first_non_finite(session, problem, u)
    if culprit is not None:
        place = f" (line {culprit.line})" if culprit.line else ""
        values = ", ".join(f"{name} = {value:.6g}" for name, value in culprit.arguments)
        lines.append(
            f"  not finite:  {culprit.expression} is {culprit.value}{place}"
            + (f" for {values}" if values else "")
        )
    broken = session.past.broken_history() if system.delays and retcode is Retcode.NON_FINITE else None
    if broken is not None:
        lines.append(f"  not finite:  the history of {system.equation(broken).state}, read before t0")
    switch = unlocated_switch(system, state.t, u, problem.p) if _creeps(session, problem, retcode) else ""
    outside = _beyond_domain(system, u) if retcode is Retcode.STEP_TOO_SMALL else ""
    lines.append(switch or outside or f"  help: {_remedy(retcode, state.t, problem.tspan)}")
    return "\n".join(lines)


def _creeps(session: Session, problem: Problem, retcode: Retcode) -> bool:
    """Whether steps have become so small that a switch may be to blame that is evaluated as it stands."""
    located = session.executive is not None and bool(session.executive.memory.data.switches)
    if retcode is Retcode.STEP_TOO_SMALL:
        return not located or (problem.system.compiled and bool(problem.system.kernels.mass))
    return retcode in (Retcode.MAX_STEPS, Retcode.STIFF) and not located


def _sliding(session: Session) -> str:
    """Which switch a solution cannot leave, and a remedy; empty where there is none."""
    executive = session.executive
    place = None if executive is None else executive.switching()
    if executive is None or place is None:
        return ""
    return (
        f"  sliding:     the solution stays where {_switch(session, place)} switches: each side leads it "
        "back to the other\n"
        "  help: let the switch be smooth (`tanh(x/w)` for `sign(x)`), or give it a gap (two events, with "
        "hysteresis)"
    )


def _beyond_domain(system: Any, u: np.ndarray) -> str:
    """A state that an event or a jump has set outside of its domain, where no step leads it back at once, and
    a remedy; empty where there is none."""
    definition = getattr(system, "definition", None)
    states: Any = () if definition is None else definition.states
    for state, value in zip(states, u, strict=False):
        low, high = state.domain or (None, None)
        if (low is not None and value < float(low)) or (high is not None and value > float(high)):
            return (
                f"  help: `{state.name}` was set to {value:.6g}, outside of its domain: keep what sets it "
                "inside, as `max(0, ...)` does"
            )
    return ""


def _switch(session: Session, place: int) -> str:
    """What switches by a root function, and where it stands."""
    executive: Any = session.executive
    span = executive.events.root_spans[place]
    if span is None:
        return "a switch of the equations"
    return f"`{' '.join(span.text.split())}` (line {span.source.position(span.start)[0]})"


def _meeting(session: Session) -> str:
    """Which switches meet where nothing tells how the solution goes on."""
    executive: Any = session.executive
    memory = executive.memory
    places = sorted({memory.data.found, *memory.members[: memory.data.meeting].tolist()})
    return f"  switches:    {', '.join(_switch(session, place) for place in places)}"


def _remedy(retcode: Retcode, t: float, tspan: tuple[float, float]) -> str:
    """What to try: a step too small for its time may be the fault of the time."""
    spacing = float(np.spacing(abs(t)))
    if retcode is not Retcode.STEP_TOO_SMALL or spacing < 1e-6 * abs(tspan[1] - tspan[0]):
        return retcode.remedy
    return f"float64 tells times near t = {t:g} apart by {spacing:g} at best: measure the time from the start"


def worst_component(session: Session) -> tuple[int, str]:
    """Index of the state with the largest scaled error of the last attempt, and that error as text."""
    u, error = session.vector("u"), session.vector("error")
    scale = session.atol + session.state.rtol * np.abs(u)
    with np.errstate(all="ignore"):
        scaled = np.abs(error) / np.where(scale > 0, scale, 1e-300)
    if not scaled.any():
        return int(np.argmax(np.abs(u))), ""
    broken = ~np.isfinite(scaled)
    index = int(np.argmax(broken)) if broken.any() else int(np.argmax(scaled))
    return index, f" (error estimate {scaled[index]:.3g} times its tolerance)"


def _first_non_finite(session: Session, problem: Problem, u: np.ndarray) -> NonFinite | None:
    """The first non-finite subexpression at the present state or a little further along its slope.

    A solve that stops at the edge of a function's domain stands just inside it: the trial states that failed
    lay ahead, at most a few of the last accepted steps away.
    """
    state, system = session.state, problem.system
    found = system.non_finite(state.t, u, problem.p)
    if found is not None or not state.non_finite or system.delays:
        return found
    slope = system.slope(state.t, u, problem.p)
    reach = max(abs(state.h), abs(state.h_old)) * state.direction
    with np.errstate(all="ignore"):  # a state near 1.8e308 leaves the range on the way
        for distance in reach * 2.0 ** np.arange(-2, 12):
            found = system.non_finite(state.t + distance, u + distance * slope, problem.p)
            if found is not None:
                return found
    return None
