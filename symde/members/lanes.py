"""Which methods solve members side by side.

Where a method is named, that one, if it has steps for lanes: an adaptive explicit Runge-Kutta or a Rosenbrock
method, and a model of few states. Without a name members begin with an explicit method, and those that look
stiff begin anew with Rodas5P where a single solve would switch to that; whatever lanes leave is solved as by
itself. What a member's method is depends on the member alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symde.engine.choice import TIGHT, VERY_TIGHT
from symde.engine.cpu.linear_solvers import AUTO
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry
from symde.plan import Plan
from symde.problem.system import Equations

FAMILIES = ("explicit", "explicit_two_estimates", "rosenbrock")
"""Families of methods with steps for lanes."""

OWN_FACTORISATION = (AUTO, "generated")
"""Linear solvers in whose place the model's own factorisation may stand."""


@dataclass(frozen=True, slots=True, eq=False)
class LaneChoice:
    """The methods of lanes in the order in which members meet them.

    Attributes:
        methods: The methods; the second takes the members that look stiff to the first.
        kernels: Addresses of the kernels of each, as of `LaneRun`.
        switching: Whether the first leaves members that look stiff.
    """

    methods: tuple[Any, ...]
    kernels: Mapping[Any, tuple[int, int, int]]
    switching: bool

    def switches(self, method: Any) -> bool:
        """Whether members that look stiff to a method are left to another."""
        return self.switching and method is self.methods[0]


NONE = LaneChoice((), {}, False)


def lanes_for(system: Equations, plan: Plan) -> LaneChoice:
    """The methods that solve members of a system side by side; none where there is no step of the first for
    lanes."""
    switching = len(plan.methods) > 1
    if switching and plan.linear_solver != AUTO:
        return NONE  # that solver is the stiff method's, and the explicit one of lanes has nothing to solve
    wanted = (_explicit(plan.rtol), plan.methods[1]) if switching else plan.methods
    kernels: dict[Any, tuple[int, int, int]] = {}
    for method in wanted:
        found = _kernels(system, plan, method)
        if not all(found):
            break
        kernels[method] = found
    return LaneChoice(tuple(kernels), kernels, switching) if kernels else NONE


def _explicit(rtol: float) -> Any:
    """The explicit method of members that name none."""
    return registry.get("Tsit5" if rtol > TIGHT else "Vern7" if rtol > VERY_TIGHT else "Vern9")


def _kernels(system: Equations, plan: Plan, method: Any) -> tuple[int, int, int]:
    addresses = getattr(system.kernels, "lane_addresses", None)
    if addresses is None or method.family not in FAMILIES or not method.adaptive:
        return 0, 0, 0
    if packed(method).implicit and plan.linear_solver not in OWN_FACTORISATION:
        return 0, 0, 0
    return addresses(method, packed(method).interpolant)
