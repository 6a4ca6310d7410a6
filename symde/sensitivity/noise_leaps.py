"""Which paths with events have derivatives: those whose events come at times of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.codegen.jumps import decided_by
from symde.problem.problem import Problem
from symde.sensitivity.fixed_jumps import moved_with, reads_of
from symde.sensitivity.wrt import Wrt

INSTEAD = (
    "follow paths by symde.solve and symde.ensemble, and take derivatives of means by differences between "
    "ensembles of one seed"
)


def refuse_met_conditions(problem: Problem) -> None:
    """Refuse paths with events that a path decides about.

    Raises:
        ValueError: the model has some.
    """
    system: Any = problem.system
    events = system.events
    if events is None:
        return
    for plan, moves in zip(events.plans, events.moves, strict=True):
        if moves:
            raise ValueError(
                f"event `{plan.name}` happens when the path meets its condition, and a path with noise has "
                f"no slope there, so that this moment has no derivative: {INSTEAD}"
            )
        if plan.delayed or plan.stop:
            what = "is delayed" if plan.delayed else "ends the path"
            raise ValueError(f"event `{plan.name}` {what}, which derivatives do not follow: {INSTEAD}")


def refuse_chance_leaps(problem: Problem, wanted: Wrt) -> None:
    """Refuse derivatives by what moves a decision of events that is a matter of chance: whether one happens
    that others may trigger, or a case within what it sets. Where noise has no part in a decision, this is the
    same in all paths but at single values of what is differentiated by.

    Args:
        problem: Of kind "sde".
        wanted: What is differentiated by.

    Raises:
        ValueError: there is such a decision.
    """
    system: Any = problem.system
    events = system.events
    if events is None:
        return
    graph, moved = events.graph, moved_with(problem, wanted.states, wanted.parameters)
    random = reads_of(system).moved_by(("u", int(row)) for row in system.noise.rows)

    def is_chance(node: int) -> bool:
        read = graph.inputs_read([node])
        return not read.isdisjoint(moved) and not read.isdisjoint(random)

    for plan, condition, written in zip(events.plans, events.decisions, events.written, strict=True):
        case = decided_by(graph, [value for _, value in written], moved)
        if condition is not None and is_chance(condition):
            what = "happens where its condition says so"
        elif case is not None and is_chance(case):
            what = "sets what leaps where a case does"
        else:
            continue
        raise ValueError(
            f"event `{plan.name}` {what}, which noise decides and what is differentiated by moves: "
            "derivatives of paths know nothing of that, so that their mean is not that of the mean; "
            f"{INSTEAD}"
        )


def refuse_events(problem: Problem) -> None:
    """Refuse paths that have events.

    Raises:
        ValueError: the model has some.
    """
    system: Any = problem.system
    if system.events is not None:
        raise ValueError(
            "torch functions of paths with noise know nothing of events, and this problem has some: take "
            "derivatives by symde.value_and_grad or symde.sensitivities"
        )


def refuse_moving_times(problem: Problem, dp: np.ndarray) -> None:
    """Refuse derivatives by what moves the times of events.

    Args:
        dp: Changes of the parameters, shape (directions, m).

    Raises:
        ValueError: there is such a change.
    """
    system: Any = problem.system
    if system.events is None:
        return
    for place in system.events.timing:
        if dp[:, place].any():
            raise ValueError(
                f"parameter `{system.parameter_names[place]}` moves the times of events, and a path with "
                f"noise has no derivative by time: leave it out of wrt, or {INSTEAD}"
            )
