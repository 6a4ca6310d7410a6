"""Stochastic equations of a text: `dx = f*dt + g*dW` taken apart into the drift f and the noise g."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symde.diagnostics import Span
from symde.language.reaction_syntax import ReactionStatement
from symde.language.syntax import Expr, Name
from symde.model.draft import Draft, Equation, base_of
from symde.model.linear import NotLinearError, linear_in
from symde.model.noise import OWN, STEP, Noise, NoiseTerm, own_motion
from symde.model.split import MARKS
from symde.model.syntax_derivative import ZERO
from symde.model.walk import calls, names


@dataclass(slots=True)
class NoiseDraft:
    """A term g*dW of the text, its coefficient still unresolved."""

    state: str
    motion: str
    coefficient: Expr
    span: Span | None


def is_stochastic(expression: Expr, draft: Draft) -> bool:
    """Whether an equation with this right side is read as a stochastic one: it has a `dt` that nothing else
    is called."""
    return draft.kind_of(STEP) is None and any(name.id == STEP for name in names(expression))


def take_noise(draft: Draft) -> None:
    """Put the terms of Brownian motions apart; what is left of a stochastic equation is its drift."""
    states = {base_of(equation.name) for equation in draft.equations} | set(draft.states)
    seen: dict[tuple[str, str], NoiseDraft] = {}
    for equation in draft.equations:
        motions = motions_in(equation.value, draft, states)
        if is_stochastic(equation.value, draft):
            _take(draft, equation, motions, seen)
        elif motions:
            _refuse_without_step(draft, next(iter(motions.values())), equation)
    draft.noise = list(seen.values())
    _check_neighbours(draft)


def motions_in(expression: Expr, draft: Draft, states: set[str]) -> dict[str, Name]:
    """The differentials of Brownian motions that an expression reads: `dW...` that nothing else is called."""
    found: dict[str, Name] = {}
    for name in names(expression):
        word = name.id
        if word.startswith(OWN) and draft.kind_of(word) is None and word[1:] not in states:
            found.setdefault(word, name)
    return found


def _take(
    draft: Draft, equation: Equation, motions: Mapping[str, Name], seen: dict[tuple[str, str], NoiseDraft]
) -> None:
    if equation.order > 1:
        message, label = "a stochastic equation is of first order", f"order {equation.order}"
        draft.found.error("E391", message, equation.target, label, _name_the_velocity(equation))
        equation.value = ZERO
        return
    try:
        linear = linear_in(equation.value, {STEP, *motions}, lambda factor: True)
    except NotLinearError as problem:
        if any(one.function in MARKS for one in calls(equation.value)):
            _refuse_beside(draft, "marks of stiffness", equation.value.span)
            equation.value = ZERO
            return
        words = " and ".join(f"`{one}`" for one in sorted(problem.names))
        message = f"this is not linear in {words}"
        help_text = "each term of a stochastic equation has one factor `dt` or `dW`: `dx = f*dt + g*dW`"
        draft.found.error("E391", message, equation.value.span, "a differential among others", help_text)
        equation.value = ZERO
        return
    if linear.rest is not None:
        message, help_text = (
            "a term without `dt` or `dW` in a stochastic equation",
            _why_no_noise(draft, linear.rest),
        )
        place = linear.rest.span or equation.value.span
        draft.found.error("E391", message, place, "no differential", help_text)
    for word, coefficient in linear.coefficients.items():
        if word != STEP:
            motion = own_motion(equation.name) if word == OWN else word
            seen[equation.name, motion] = NoiseDraft(equation.name, motion, coefficient, equation.span)
    equation.value = linear.coefficients.get(STEP, ZERO)


def _name_the_velocity(equation: Equation) -> str:
    return f"name the velocity as a state: `d{equation.name} = v*dt` and `dv = ...*dt + ...*dW`"


def _why_no_noise(draft: Draft, rest: Expr) -> str:
    """Help with terms that have no differential, of which one may look as if it had."""
    for name in names(rest):
        if name.id.startswith(OWN):
            kind, state = draft.kind_of(name.id), name.id[1:]
            if kind is None:
                return (
                    f"`{name.id}` is the derivative of the state `{state}` here: rename the state, or call "
                    "the Brownian motion `dW1` or `dW_name`"
                )
            return f"`{name.id}` is declared as a {kind}, and is no noise: rename the {kind}"
    return "every term is multiplied by one of them; Brownian motions are called `dW`, `dW1` or `dW_name`"


def _refuse_without_step(draft: Draft, motion: Name, equation: Equation) -> None:
    if draft.kind_of(STEP) is not None:
        kind = draft.kind_of(STEP)
        message, label = f"`{STEP}` is declared as a {kind}, and `{motion.id}` is noise", "noise"
        help_text = f"rename the {kind}: beside noise, `{STEP}` is the step of the time"
        draft.found.error("E392", message, motion.span, label, help_text)
    else:
        message = f"`{motion.id}` is noise, and the equation has no `{STEP}`"
        help_text = f"write `d{equation.name} = f*dt + g*{motion.id}` (`0*dt` for noise alone)"
        if equation.order > 1:
            help_text = _name_the_velocity(equation)
        draft.found.error("E390", message, motion.span, "noise", help_text)
    equation.value = ZERO


def _check_neighbours(draft: Draft) -> None:
    """What this version does not solve beside noise."""
    if draft.stratonovich is not None and not draft.noise:
        message = "`stratonovich` tells how noise is read, and the model has none"
        draft.found.error("E393", message, draft.stratonovich, "no noise", "remove the line")
    if not draft.noise:
        return
    others = {
        "reactions": [one for one in draft.reactions if isinstance(one, ReactionStatement)],
        "implicit equations": draft.implicit,
        "a Hamiltonian": draft.hamiltonians,
        "histories": draft.histories,
        "conserved quantities": draft.conserved,
        "marks of stiffness": [one for one in draft.equations if one.split is not None],
    }
    for words, statements in others.items():
        if statements:
            _refuse_beside(draft, words, statements[0].span)


def _refuse_beside(draft: Draft, words: str, place: Span | None) -> None:
    message, help_text = f"{words} cannot stand beside noise in this version", "leave out one or the other"
    draft.found.error("E393", message, place, "beside noise", help_text)


def noise_of(draft: Draft) -> Noise | None:
    """The noise of a checked draft."""
    if not draft.noise:
        return None
    terms = (NoiseTerm(one.state, one.motion, one.coefficient, one.span) for one in draft.noise)
    return Noise(tuple(terms), draft.stratonovich is not None)
