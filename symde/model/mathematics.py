"""The sympy objects of one model, each made once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import sympy

from symde.model.deep import with_deep_stack
from symde.model.definition import TIME, Definition
from symde.model.events import event_expressions
from symde.model.expansion import depth
from symde.model.implicit import mass_rows
from symde.model.noise import OWN, coefficients
from symde.model.reactions import Reaction, flux, propensity
from symde.model.sympy_derivative import differentiate
from symde.model.sympy_events import SymbolicEvent, symbolic_events
from symde.model.sympy_view import SympyView, symbol

Value = TypeVar("Value")


class Mathematics:
    """Symbols, equations and derivatives of a definition."""

    def __init__(self, definition: Definition):
        self.definition = definition
        self.time = symbol(TIME)
        self.states = tuple(symbol(name) for name in definition.state_names)
        self.parameters = tuple(symbol(name) for name in definition.parameter_names)
        self.observables = tuple(symbol(name) for name in definition.observable_names)
        self._memos: dict[Any, dict[Any, Any]] = {}
        self._free: dict[Any, set[Any]] = {}

    def _run(self, work: Callable[[], Value]) -> Value:
        """`work()`; sympy recurses over expressions, so deep ones run where the stack is large."""
        return with_deep_stack(work) if self._depth > 30 else work()

    @cached_property
    def _depth(self) -> int:
        roots = [state.derivative for state in self.definition.states]
        roots += [one.value for one in self.definition.observables]
        roots += [one.body for one in self.definition.functions]
        roots += [one for event in self.definition.events for one in event_expressions(event)]
        roots += [flux(one) for one in self.definition.reactions]
        roots += coefficients(self.definition.noise)
        levels = sorted((depth(root) for root in roots), reverse=True)
        # Named parts may stand in each other, so their depths add up.
        named = len(self.definition.observables) + len(self.definition.functions)
        return sum(levels[: named + 1])

    @cached_property
    def _view(self) -> SympyView:
        return SympyView(self.definition)

    @cached_property
    def _values(self) -> tuple[Any, ...]:
        return self._run(
            lambda: tuple(self._view.expression(state.derivative) for state in self.definition.states)
        )

    def diffusion(self) -> Any:
        """The diffusion matrix, shape (states, Brownian motions)."""
        noise = self.definition.noise
        motions = () if noise is None else noise.motions
        matrix = sympy.zeros(len(self.states), len(motions))
        for one in noise.terms if noise is not None else ():
            place = self.definition.state_names.index(one.state), motions.index(one.motion)
            matrix[place] = self._run(lambda one=one: self._view.expression(one.coefficient))
        return matrix

    @cached_property
    def equations(self) -> tuple[Any, ...]:
        """Rows of M u' = f; the derivative of a symbol is kept unevaluated."""
        return self._run(
            lambda: tuple(
                sympy.Eq(left, value, evaluate=False)
                for left, value in zip(self._left_sides(), self._values, strict=True)
            )
        )

    @cached_property
    def events(self) -> tuple[SymbolicEvent, ...]:
        """The events as sympy objects."""
        return self._run(lambda: symbolic_events(self.definition.events, self._view.expression))

    def _left_sides(self) -> Iterator[Any]:
        for row in self._mass_rows:
            yield sympy.Add(
                *(
                    value * sympy.Derivative(self.states[column], self.time, evaluate=False)
                    for column, value in row.items()
                )
            )

    @cached_property
    def _mass_rows(self) -> list[dict[int, Any]]:
        rows = mass_rows(self.definition)
        return self._run(
            lambda: [{column: self._view.expression(value) for column, value in row.items()} for row in rows]
        )

    def mass_matrix(self) -> Any:
        """M in M u' = f."""
        n = len(self.states)
        return sympy.Matrix(n, n, lambda row, column: self._mass_rows[row].get(column, sympy.S.Zero))

    def observable_values(self) -> dict[Any, Any]:
        """Symbol of each observed quantity -> its value."""
        observables = self.definition.observables
        return self._run(lambda: {symbol(one.name): self._view.expression(one.value) for one in observables})

    def rates(self) -> tuple[Any, ...]:
        """The flux of each reaction."""
        return self._of_reactions(flux)

    def propensities(self) -> tuple[Any, ...]:
        """The propensity of each reaction."""
        return self._of_reactions(propensity)

    def _of_reactions(self, law: Callable[[Reaction], Any]) -> tuple[Any, ...]:
        reactions = self.definition.reactions
        return self._run(lambda: tuple(self._view.expression(law(one)) for one in reactions))

    def rhs(self) -> Any:
        """f as a column."""
        return sympy.Matrix(len(self.states), 1, list(self._values))

    def jacobian(self) -> Any:
        """∂f/∂u."""
        return self._derivatives(self.states)

    def parameter_jacobian(self) -> Any:
        """∂f/∂p; a parameter that events made a discrete variable is read by no equation."""
        states = set(self.states)
        return self._derivatives(tuple(None if one in states else one for one in self.parameters))

    def time_gradient(self) -> Any:
        """∂f/∂t."""
        return self._derivatives((self.time,))

    def hessian(self) -> tuple[Any, ...]:
        """∂²fᵢ/∂uⱼ∂uₖ as one matrix for each i."""
        return self._run(self._hessian)

    def _derivatives(self, variables: tuple[Any | None, ...]) -> Any:
        def entry(row: int, column: int) -> Any:
            return self._partial(self._values[row], variables[column])

        return self._run(lambda: sympy.Matrix(len(self._values), len(variables), entry))

    def _partial(self, value: Any, variable: Any | None) -> Any:
        if variable is None:
            return sympy.S.Zero
        if value not in self._free:
            self._free[value] = value.free_symbols
        if variable not in self._free[value]:
            return sympy.S.Zero
        return differentiate(value, variable, self._memos.setdefault(variable, {}))

    def _hessian(self) -> tuple[Any, ...]:
        matrices = []
        n = len(self.states)
        for value in self._values:
            gradient = [self._partial(value, state) for state in self.states]
            matrix = sympy.zeros(n, n)
            for row in range(n):
                for column in range(row + 1):
                    entry = self._partial(gradient[row], self.states[column])
                    matrix[row, column] = matrix[column, row] = entry
            matrices.append(matrix)
        return tuple(matrices)

    def latex(self) -> str:
        """An ``aligned`` block, one line an equation."""
        return self._run(self._latex)

    def _latex(self) -> str:
        time = sympy.latex(self.time)
        names = {one: latex_name(one.name) for one in self.states + self.parameters}
        lines = []
        for row, value in zip(self._mass_rows, self._values, strict=True):
            slopes = [
                (factor, rf"\frac{{d {latex_name(self.states[column].name)}}}{{d {time}}}")
                for column, factor in row.items()
            ]
            left = (
                "".join(_latex_term(*one, names, first=not place) for place, one in enumerate(slopes)) or "0"
            )
            right = sympy.latex(value, symbol_names=names)
            noise = self._latex_noise(self.states[len(lines)].name, names)
            if noise:
                left, right = (
                    f"d {latex_name(self.states[len(lines)].name)}",
                    rf"\left({right}\right) dt{noise}",
                )
            lines.append(rf"{left} &= {right}")
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _latex_noise(self, state: str, names: dict[Any, str]) -> str:
        """The terms of Brownian motions in the equation of a state; nothing where there are none."""
        noise = self.definition.noise
        text = ""
        for one in noise.terms if noise is not None else ():
            if one.state == state:
                value = sympy.latex(self._view.expression(one.coefficient), symbol_names=names)
                motion = latex_name(state if one.differential == OWN else one.motion[len(OWN) :].lstrip("_"))
                circle = r"\circ " if noise is not None and noise.stratonovich else ""
                text += rf" + \left({value}\right) {circle}dW_{{{motion}}}"
        return text


def _latex_term(factor: Any, slope: str, names: dict[Any, str], first: bool) -> str:
    """A derivative with its factor as a term of a sum."""
    minus = not factor.is_Add and factor.could_extract_minus_sign()
    sign = ("- " if minus else "") if first else (" - " if minus else " + ")
    factor = -factor if minus else factor
    if factor == 1:
        return sign + slope
    text = sympy.latex(factor, symbol_names=names)
    return f"{sign}{text} {slope}" if not factor.is_Add else rf"{sign}\left({text}\right) {slope}"


_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_WORD = re.compile(r"(?<![\\\w])[^\W\d_]{2,}")


def latex_name(name: str) -> str:
    """A name in LaTeX: ``y₁`` as ``y_{1}``, ``x'`` as a dotted letter, Greek letters by their commands.

    Words stand upright, ``k_on`` as ``k_{\\mathrm{on}}``: in italics they read as products of their letters.
    """
    primes = len(name) - len(name.rstrip("'"))
    base = name.rstrip("'")
    letters = base.rstrip("₀₁₂₃₄₅₆₇₈₉")
    subscript = base[len(letters) :].translate(_SUBSCRIPTS)
    plain = _WORD.sub(r"\\mathrm{\g<0>}", sympy.latex(sympy.Symbol(letters)))
    if subscript:
        # LaTeX refuses a second subscript beside the first.
        plain = f"{{{plain}}}_{{{subscript}}}" if "_" in plain else f"{plain}_{{{subscript}}}"
    return {0: plain, 1: rf"\dot{{{plain}}}", 2: rf"\ddot{{{plain}}}"}.get(primes, plain + "'" * primes)
