"""Derivatives of models whose branches are modes, which are located where they jump and locked between."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

from symde.codegen.fixed_modes import FixedModes
from symde.lowering import ModelSystem, let_slide, solved_system
from symde.plan import plan_like
from symde.problem.problem import Problem, of_system
from symde.sensitivity.moving_jump import MovingJumpWarning, moving_jump, warn_of_jumps
from symde.sensitivity.run import Run
from symde.sensitivity.wrt import Wrt


def branches_are_modes(system: Any) -> bool:
    """Whether what is differentiated has branches that are modes."""
    return getattr(system.kernels, "locked", False)


def tells_of_sliding(system: Any) -> bool:
    """Whether solves are to tell where solutions slide along a switch."""
    return branches_are_modes(system) and system.asks


def fixed_modes(system: Any) -> FixedModes:
    """The kernels of a system between changes of its branches; the same object each time."""
    known = system.augmented
    if "fixed" not in known:
        known.setdefault("fixed", FixedModes(system.kernels))
    return known["fixed"]


def smooth_system(system: Any) -> ModelSystem:
    """The model without its events, its branches as parameters where they are modes; the same object each
    time."""
    known = system.augmented
    if "smooth" not in known:
        if branches_are_modes(system):
            fixed = fixed_modes(system)
            known.setdefault("smooth", ModelSystem(fixed.definition, kernels=fixed))
        else:
            known.setdefault("smooth", ModelSystem(replace(system.definition, events=())))
    return known["smooth"]


def can_locate(problem: Problem) -> bool:
    """Whether jumps of the right-hand side can be located and differentiated."""
    system = problem.system
    return (
        bool(system.compiled) and solved_system(system) is not system and problem.tspan[1] > problem.tspan[0]
    )


def follows_branches(problem: Problem) -> bool:
    """Whether derivatives may jump at kinks too, as those of algebraic variables do, and branches can be
    located."""
    system: Any = problem.system
    return bool(system.compiled and system.kernels.mass) and can_locate(problem)


def locates_jumps(problem: Problem, wrt: Wrt, stacklevel: int) -> bool:
    """Whether jumps of the right-hand side are to be located, since what is differentiated by may move them;
    where they cannot be, that is told. Arguments as of `warn_of_jumps`."""
    system: Any = problem.system
    if system.compiled and system.kernels.mass and follows_branches(problem):
        return True
    if not (system.compiled and system.kernels.jumps) or moving_jump(problem, wrt) is None:
        return False
    if can_locate(problem):
        return True
    warn_of_jumps(problem, wrt, stacklevel + 1)
    return False


def with_modes(run: Run) -> Run:
    """A run whose branches are modes."""
    problem = run.problem
    system = solved_system(problem.system)
    return replace(run, problem=of_system(problem, system), plan=plan_like(run.plan, system))


def with_sliding(run: Run, place: int) -> Run:
    """A run whose branches are modes, to be begun anew with solutions that slide along a switch."""
    locked: Any = run.problem.system
    let_slide(locked.unlocked, place)
    return with_modes(replace(run, problem=of_system(run.problem, locked.unlocked)))


def with_located_jumps(run: Run, wrt: Wrt) -> Run:
    """A run whose branches are modes, where its right-hand side has jumps that what is differentiated by may
    move and that can be located; else the run itself."""
    moves = follows_branches(run.problem) or moving_jump(run.problem, wrt) is not None
    found = moves and can_locate(run.problem)
    return with_modes(run) if found else run


def place_of_switch(events: Any, root: int) -> str:
    """What switches at a root function, in the words of the text."""
    span = events.root_spans[root]
    if span is None:
        return "a switch of the equations"
    return f"`{' '.join(span.text.split())}` (line {span.source.position(span.start)[0]})"


def warn_of_release(problem: Problem) -> None:
    """Tell that a solution stays at a jump of the right-hand side, or beside where a branch has no value."""
    warnings.warn(
        "derivatives may be wrong: the solution stays for a while where a branch of the right-hand side "
        "switches, so that the switch was taken as it stands. Make the switch smooth, such as `tanh(s/w)` "
        "for `sign(s)` with a small w, or give it a gap (two events, with hysteresis)",
        MovingJumpWarning,
        stacklevel=2,
    )
