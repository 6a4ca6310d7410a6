"""Jumps beside differential equations as an event: the hazard of all jumps as one more state.

Between jumps the states follow their equations. The hazard state starts at an exponential number E of mean 1
and falls at the sum of all rates; where it comes to zero a jump happens, the jump j with probability
rate_j/sum (M. H. A. Davis, Piecewise-deterministic Markov processes: a general class of non-diffusion
stochastic models, J. R. Statist. Soc. B 46 (1984), 353-388). One hazard serves all jumps: given when the next
one comes, the rates at that moment tell which one it is, so that a jump costs one root to find and one number
to draw however many jumps there are.
"""

from __future__ import annotations

import dataclasses

from symde.derive.jump_network import JumpNetwork, channels_of
from symde.derive.parts import KNOWN, refuse_domain, refuse_other_parts
from symde.language.syntax import Name, Negate, Number, Sum
from symde.model.definition import Definition, State
from symde.model.discretes import ZERO
from symde.model.events import FALLING, Crossing, ModelEvent
from symde.model.reactions import governed

HAZARD = "hazard of jumps"
"""The state's name, which no text can have."""

JUMP = "jump"
"""The name of the event."""

_WHAT = "a process with jumps beside differential equations"


def piecewise(definition: Definition) -> tuple[Definition, JumpNetwork]:
    """The model with its hazard as the last state and its jumps as the last event, which sets nothing by
    itself; and the jumps.

    Raises:
        ValueError: it has no jumps, or algebraic equations, delays or projections beside them, or a domain of
            what jumps alone change.
    """
    refuse_other_parts(definition, _WHAT, KNOWN | {"events"})
    network = channels_of(definition)
    values = {state.name: state.derivative for state in definition.states}
    elsewhere = governed(definition.reactions, definition.jumps, values)
    for state in definition.states:
        if state.name in elsewhere:  # no step leads it back
            refuse_domain(state, _WHAT, 0.0)
    states = [
        dataclasses.replace(state, derivative=ZERO, split=None, discrete=True)
        if state.name in elsewhere
        else dataclasses.replace(state, split=None)
        for state in definition.states
    ]
    first = network.channels[0].span
    event = ModelEvent(JUMP, Crossing(Name(HAZARD, span=first), FALLING), span=first)
    extended = dataclasses.replace(
        definition,
        states=(*states, _hazard(network)),
        events=(*definition.events, event),
        reactions=(),
        jumps=(),
        invariants=(),
    )
    return extended, network


def with_hazard(definition: Definition) -> tuple[Definition, JumpNetwork]:
    """A model with noise and jumps with the hazard of these as the last state, which has no noise; and the
    jumps."""
    network = channels_of(definition)
    return dataclasses.replace(definition, states=(*definition.states, _hazard(network)), jumps=()), network


def _hazard(network: JumpNetwork) -> State:
    """The state that falls at the sum of all rates."""
    rates = [one.propensity for one in network.channels]
    total = rates[0] if len(rates) == 1 else Sum(tuple(("+", rate) for rate in rates), span=rates[0].span)
    first = network.channels[0].span
    return State(HAZARD, Negate(total, span=total.span), Number(1, "1", span=None), equation=first)
