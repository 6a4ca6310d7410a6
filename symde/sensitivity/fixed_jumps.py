"""Which derivatives of paths that jump there are: those by what moves neither the times of the jumps nor the
choice between them.

Given a seed such jumps come at fixed times, and between them and at them a path is a smooth function of what
it is differentiated by. Its derivative is then exact, and unbiased for that of the mean. Where a rate moves,
the derivative of a path knows how the times move, but not that jumps come or stay away, so that its mean is
not the derivative of the mean unless that is smooth in the times.

Source: P. Glasserman, Gradient Estimation via Perturbation Analysis (1991), chapters 1 and 3; P. Glasserman,
Monte Carlo Methods in Financial Engineering (2004), section 7.2, for the pathwise estimate of Greeks.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.codegen.jumps import decided_by
from symde.problem.problem import Problem
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Wrt

REMEDY = "take differences of means between ensembles of one seed"

SHOWN = 8
"""Names that a message lists."""

Input = tuple[str, int]
"""A vector, `u` or `p`, and a place in it."""


@dataclass(frozen=True, slots=True)
class Reads:
    """What decides about paths.

    Attributes:
        states: State, and what it or a change of it is computed from.
        rates: Likewise of each rate.
    """

    states: tuple[tuple[int, frozenset[Input]], ...]
    rates: tuple[frozenset[Input], ...]

    def moved_by(self, first: Iterable[Input]) -> set[Input]:
        """All that some inputs move, these included."""
        moved = set(first)
        while True:
            more = {("u", i) for i, read in self.states if read & moved} - moved
            if not more:
                return moved
            moved |= more


_known: weakref.WeakKeyDictionary[Any, Reads] = weakref.WeakKeyDictionary()


def reads_of(system: Any) -> Reads:
    """What decides about the paths of a model with noise, and jumps or events; found once."""
    if system not in _known:
        _known[system] = _reads_of(system)
    return _known[system]


def _reads_of(system: Any) -> Reads:
    noise = system.noise
    states: list[tuple[int, frozenset[Input]]] = []
    drift, diffusion = noise.outputs("both")
    rows = [*enumerate(drift.nodes), *zip(noise.rows, diffusion.nodes, strict=True)]
    states += [(i, frozenset(noise.graph.inputs_read([node]))) for i, node in rows]
    if system.network is None:
        events = () if system.events is None else system.events.written
        states += [(i, frozenset(noise.graph.inputs_read([node]))) for one in events for i, node in one]
        return Reads(tuple(states), ())
    channels = system.channels
    graph = channels.model.graph
    for one in channels.written:
        values = zip(one.targets, one.values, strict=True)
        states += [(i, frozenset(graph.inputs_read([node]))) for i, node in values]
    return Reads(tuple(states), tuple(frozenset(graph.inputs_read([one])) for one in channels.rate_nodes))


def refuse_moving_jumps(problem: Problem, wanted: Wrt) -> None:
    """Refuse derivatives by what moves jumps, or what they do by leaps.

    Args:
        problem: Of kind "sde", with jumps.
        wanted: What is differentiated by.

    Raises:
        ValueError: a rate, or a case within what a jump does, follows what is differentiated by; with the
            jump, and what the derivatives may be by.
    """
    system: Any = problem.system
    why = _why(system, moved_with(problem, wanted.states, wanted.parameters))
    if not why:
        return
    single = [(system.state_names[i], moved_with(problem, [i], [])) for i in wanted.states]
    single += [(system.parameter_names[j], moved_with(problem, [], [j])) for j in wanted.parameters]
    able = [name for name, moved in single if not _why(system, moved)]
    other = ""
    if able:
        dots = ["..."] if len(able) > SHOWN else []
        listed = ", ".join([*map(repr, able[:SHOWN]), *dots])
        other = f"differentiate by others, wrt=[{listed}], or "
    raise ValueError(f"{why}: {other}{REMEDY}")


def moves_switches(problem: Problem, wanted: Wrt) -> bool:
    """Whether what is differentiated by decides where drift or diffusion jump; arguments as above."""
    system: Any = problem.system
    nodes = [node for output in system.noise.outputs("both") for node in output.nodes]
    moved = moved_with(problem, wanted.states, wanted.parameters)
    return decided_by(system.noise.graph, nodes, moved) is not None


def moved_with(problem: Problem, states: Iterable[int], parameters: Iterable[int]) -> set[Input]:
    """What moves with some initial values and parameters."""
    start = start_of(problem)
    changes = start.parameters[:, list(parameters)]
    changing, moving = (np.flatnonzero(one.any(axis=1)).tolist() for one in (changes, start.u0 @ changes))
    first = {("u", i) for i in (*states, *moving)} | {("p", j) for j in changing}
    return reads_of(problem.system).moved_by(first)


def _why(system: Any, moved: set[Input]) -> str:
    """Why there are no derivatives by what moves so much; empty where there are."""
    for channel, read in zip(system.network.channels, reads_of(system).rates, strict=True):
        found = sorted(read & moved, reverse=True)  # states, which are "u", first
        if found:
            return (
                f"the rate of {channel.words} follows {_named(system, found[0])}, which moves with what is "
                "differentiated by: a jump that comes or stays away changes the path by a leap, which its "
                "derivative knows nothing of, so that the mean of derivatives is not the derivative of the "
                "mean"
            )
    graph = system.channels.model.graph
    for channel, effect in zip(system.network.channels, system.channels.written, strict=True):
        node = decided_by(graph, effect.values, moved)
        if node is not None:
            span = graph.span[node]
            case = "a case" if span is None else f"`{' '.join(span.text.split())}`"
            return (
                f"what {channel.words} does leaps where {case} does, which moves with what is differentiated "
                "by, and derivatives of paths know nothing of that"
            )
    return ""


def _named(system: Any, one: Input) -> str:
    vector, place = one
    names = system.state_names if vector == "u" else system.parameter_names
    return f"{'state' if vector == 'u' else 'parameter'} `{names[place]}`"
