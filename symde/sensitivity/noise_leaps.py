"""Which paths with events have derivatives: those whose events come at times of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.problem.problem import Problem

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
