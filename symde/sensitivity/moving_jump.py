"""Right-hand sides that jump where states or parameters decide: what no strategy differentiates.

Where f jumps by df as a solution crosses a surface s(u, p, t) = 0, the derivatives of the solution jump too,
by df over the speed of the crossing times the derivative of s. The equations between the jumps know nothing
of this, and nothing but the equations is differentiated. A jump at a fixed time has no such derivative, and a
kink (abs, min, max) is no jump.

Source: M. A. Aizerman, F. R. Gantmakher, On the stability of periodic motion in a nonlinear system with
discontinuous right-hand side, Journal of Applied Mathematics and Mechanics 22 (1958).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from symde.codegen.jumps import Jump
from symde.problem.problem import Problem
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Wrt


class MovingJumpWarning(UserWarning):
    """A derivative leaves out that jumps of the right-hand side move."""


def warn_of_jumps(
    problem: Problem, wrt: Wrt, stacklevel: int, what: str = "a jump", kernels: Any = None, remedy: str = ""
) -> None:
    """Tell that derivatives of a solution leave out jumps that move, where there may be such.

    Args:
        problem: What is solved.
        wrt: What is differentiated by.
        stacklevel: Calls between the user and here.
        what: What jumps, for the message.
        kernels: What knows its jumps; None: the kernels of the right-hand side.
        remedy: What helps beside what always does.
    """
    if not problem.system.compiled:
        return
    kernels = problem.system.kernels if kernels is None else kernels
    moving = moving_jump(problem, wrt, kernels)
    if moving is not None:
        told = _told(kernels.graph, moving, what) + remedy
        warnings.warn(told, MovingJumpWarning, stacklevel=stacklevel + 1)


def moving_jump(problem: Problem, wrt: Wrt, kernels: Any = None) -> Jump | None:
    """The first jump that what is differentiated by may move, None: there is none. Arguments as above."""
    if not problem.system.compiled:
        return None
    found = (problem.system.kernels if kernels is None else kernels).jumps
    if not found:
        return None
    follow = start_of(problem).parameters[:, list(wrt.parameters)]
    changing = set(np.flatnonzero(follow.any(axis=1)).tolist())
    return next((one for one in found if one.states or not changing.isdisjoint(one.parameters)), None)


def _told(graph: Any, jump: Jump, what: str) -> str:
    span = graph.span[jump.node]
    place = ""
    if span is not None:
        place = f" at `{' '.join(span.text.split())}` (line {span.source.position(span.start)[0]})"
    return (
        f"derivatives are wrong where the solution crosses {what}{place}: when that comes depends on what is "
        "differentiated by, and how it moves is not known. Make the right-hand side smooth, such as "
        "`(1 + tanh(s/w))/2` for `s > 0` with a small w, or let an event switch a discrete variable there"
    )
