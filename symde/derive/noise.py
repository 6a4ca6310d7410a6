"""Stochastic readings of a model: Stratonovich as Ito, and reactions as the chemical Langevin equation."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from symde.derive.parts import KNOWN, refuse_other_parts
from symde.language.syntax import Call, Compare, Conditional, Expr, Name, Number
from symde.model.definition import Definition
from symde.model.inline import Inliner
from symde.model.noise import Noise, NoiseTerm
from symde.model.reactions import flux, stoichiometry
from symde.model.syntax_derivative import Differentiator, NoDerivativeError, product, total
from symde.model.text import is_derivative_reading
from symde.model.walk import calls

_WHAT = "a stochastic differential equation of this version"
HALF = Number(0.5, "0.5", span=None)
ZERO = Number(0, "0", span=None)


def ito(definition: Definition) -> Definition:
    """The model with its noise in the sense of Ito.

    The drift f of a Stratonovich equation becomes f_k + 1/2 sum_ij g_ij dg_kj/dx_i, derived on the equations
    themselves (P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations (1992),
    section 4.9, equation (9.11)).

    Raises:
        ValueError: a coefficient has no derivative that the language can say.
    """
    noise = definition.noise
    if noise is None or not noise.stratonovich:
        return definition
    inliner = Inliner(definition.functions)
    values = {one.name: inliner.inline(one.value) for one in definition.observables}
    written = [dataclasses.replace(one, coefficient=inliner.inline(one.coefficient)) for one in noise.terms]
    differentiate = Differentiator(values, definition.state_names)
    corrections: dict[str, list[tuple[str, Expr]]] = {}
    for term in written:
        for other in written:
            if other.motion != term.motion:
                continue
            try:
                slope = differentiate.derivative(term.coefficient, other.state)
            except NoDerivativeError as problem:
                raise ValueError(f"the noise of `{term.state}` cannot be read as Ito's: {problem}") from None
            factors = [("*", HALF), ("*", other.coefficient), ("*", slope)]
            corrections.setdefault(term.state, []).append(("+", product(factors, None)))
    states = tuple(
        dataclasses.replace(
            state, derivative=total([("+", state.derivative), *corrections.get(state.name, ())], None)
        )
        for state in definition.states
    )
    return dataclasses.replace(definition, states=states, noise=Noise(noise.terms))


@dataclass(frozen=True, slots=True)
class NoiseProduct:
    """L_first g_(state, second) of Milstein's method, where L_i = sum_k g_ki d/dx_k."""

    state: str
    first: str
    second: str
    value: Expr


def milstein_products(definition: Definition) -> tuple[NoiseProduct, ...]:
    """The products of a model in the sense of Ito that are not always 0, as the language says them (P. E.
    Kloeden, E. Platen 1992, equation (10.3.1)).

    Raises:
        ValueError: a coefficient has no derivative that the language can say.
    """
    noise = definition.noise
    assert noise is not None and not noise.stratonovich
    inliner = Inliner(definition.functions)
    values = {one.name: inliner.inline(one.value) for one in definition.observables}
    written = [dataclasses.replace(one, coefficient=inliner.inline(one.coefficient)) for one in noise.terms]
    differentiate = Differentiator(values, definition.state_names)
    sums: dict[tuple[str, str, str], list[tuple[str, Expr]]] = {}
    domains = {one.name: one.domain for one in definition.states}
    for term in written:
        for other in written:
            try:
                slope = differentiate.derivative(term.coefficient, other.state)
            except NoDerivativeError as problem:
                raise ValueError(
                    f"the method takes derivatives of noise, and that of `{term.state}` has no known one: "
                    f"{problem}; use 'EulerMaruyama'"
                ) from None
            if slope != ZERO:
                place = term.state, other.motion, term.motion
                part = product([("*", other.coefficient), ("*", slope)], None)
                part = _inside(part, other.state, domains.get(other.state))
                sums.setdefault(place, []).append(("+", part))
    return tuple(NoiseProduct(*place, total(parts, None)) for place, parts in sums.items())


def _inside(part: Expr, state: str, domain: tuple[float | None, float | None] | None) -> Expr:
    """A product with a derivative by a state: none where that is at the end of its domain, beyond which
    coefficients do not change, and at which those such as sqrt(x) have no derivative."""
    low, high = domain or (None, None)
    name = Name(state, span=None)
    for bound, below in ((low, True), (high, False)):
        if bound is not None and math.isfinite(bound):
            end = Number(float(bound), repr(float(bound)), span=None)
            ascending = (end, name) if below else (name, end)
            part = Conditional(Compare(ascending, ("<",)), part, ZERO)
    return part


def langevin(definition: Definition) -> Definition:
    """The chemical Langevin equation of a reaction network: a Brownian motion for each reaction, which
    changes its species by their stoichiometry times sqrt(rate).

    Rates below 0, which an approximation of small numbers of molecules may reach, make no noise.

    Source: D. T. Gillespie, The chemical Langevin equation, J. Chem. Phys. 113 (2000), 297-306, eq. (23).

    Raises:
        ValueError: the model has no reactions, or more than reactions and ordinary equations.
    """
    refuse_other_parts(definition, "the chemical Langevin equation", KNOWN | {"events"})
    if definition.jumps:
        raise ValueError("the chemical Langevin equation knows nothing of jumps: write them as reactions")
    if not definition.reactions:
        raise ValueError(
            f"model `{definition.name}` has no noise and no reactions, so kind='sde' means nothing: write "
            "`dx = f*dt + g*dW`, or reactions such as `k, A --> B`"
        )
    terms = []
    changes = stoichiometry(definition.reactions, definition.state_names)
    for number, (reaction, change) in enumerate(zip(definition.reactions, changes, strict=True), start=1):
        rate = flux(reaction)
        # none at a rate of 0 either, as that is what derivatives know of it: the root has none there
        root = Conditional(Compare((rate, ZERO), ("<=",)), ZERO, Call("sqrt", (rate,), span=None))
        for place, count in change.items():
            size = product([("*", Number(count, str(count), span=None)), ("*", root)], None)
            state = definition.state_names[place]
            terms.append(NoiseTerm(state, f"reaction {number}", size, reaction.span))
    return dataclasses.replace(definition, noise=Noise(tuple(terms)), reactions=())


def stochastic(definition: Definition) -> Definition:
    """A model as a stochastic differential equation in the sense of Ito.

    Raises:
        ValueError: the model is none, or has parts that this version does not solve beside noise.
    """
    if definition.noise is None:
        return langevin(definition)
    refuse_other_parts(definition, _WHAT, KNOWN | {"noise", "events"})
    if definition.jumps and definition.events:
        raise ValueError(
            f"{_WHAT} has jumps or events, and model `{definition.name}` has both: leave one of them out"
        )
    for one in definition.observables:
        if is_derivative_reading(one.name, definition):
            raise ValueError(f"a path with noise has no derivative: leave out `{one.name}`")
    own = set(definition.state_names) | set(definition.observable_names)
    for term in definition.noise.terms:
        for call in calls(term.coefficient):
            if call.function.rstrip("'") in own:
                raise ValueError(f"{_WHAT} knows nothing of delays: leave out `{call.function}(...)`")
    return ito(definition)
