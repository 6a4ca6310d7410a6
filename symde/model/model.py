"""The public face of a model: its mathematics as sympy objects, its text, its structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.model.canonical import fingerprint, same
from symde.model.definition import Definition
from symde.model.noise import Noise
from symde.model.packing import Packed, pack, unpack
from symde.model.reactions import Jump, Reaction, stoichiometry
from symde.model.structure import sparsity
from symde.model.text import model_text

if TYPE_CHECKING:
    import sympy

    from symde.model.mathematics import Mathematics
    from symde.model.sympy_events import SymbolicEvent
    from symde.problem.event import Event


class Model:
    """A system of ordinary differential equations with names.

    Made by :func:`symde.ode_def`, :func:`symde.load` and :meth:`Model.from_sympy`. Two models are equal when
    they have the same name, states, parameters, observed quantities, equations, initial values and defaults,
    whatever form they were written in. Models are immutable, hashable and can be pickled.

    sympy is imported when a sympy object is first asked for. All symbols are real, without other assumptions.

    Attributes:
        definition: the model as plain data, as the code generator reads it.
    """

    def __init__(self, definition: Definition):
        self.definition = definition

    @classmethod
    def from_sympy(
        cls,
        equations: Mapping[Any, Any],
        parameters: Sequence[Any] | Mapping[Any, Any] | None = None,
        initial: Mapping[Any, Any] | None = None,
        t: Any = None,
        name: str = "model",
    ) -> Model:
        """A model from sympy expressions.

        Args:
            equations: state -> its time derivative; states are symbols, names or functions ``x(t)``.
            parameters: symbols or names in order, or a mapping to their defaults; None takes every other
                symbol of the equations and initial values, sorted by name.
            initial: state -> initial value, which may read parameters and a symbol `t0`.
            t: the symbol of time, if it is not called `t`.
            name: the model's name.

        Raises:
            ModelError: an expression has no counterpart in the language, or a symbol is not defined.
        """
        from symde.model.sympy_reader import definition_from_sympy

        return cls(definition_from_sympy(equations, parameters, initial, t, name))

    @property
    def name(self) -> str:
        """The model's name, ``"model"`` for an anonymous text."""
        return self.definition.name

    @property
    def doc(self) -> str | None:
        """The documentation string of the model."""
        return self.definition.doc

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states, in order."""
        return self.definition.state_names

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return self.definition.parameter_names

    @property
    def observable_names(self) -> tuple[str, ...]:
        """Names of the observed quantities, in order of dependence."""
        return self.definition.observable_names

    @cached_property
    def _mathematics(self) -> Mathematics:
        from symde.model.mathematics import Mathematics

        return Mathematics(self.definition)

    @property
    def states(self) -> tuple[sympy.Symbol, ...]:
        """The states as sympy symbols."""
        return self._mathematics.states

    @property
    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """The parameters as sympy symbols."""
        return self._mathematics.parameters

    @property
    def observables(self) -> tuple[sympy.Symbol, ...]:
        """The observed quantities as sympy symbols."""
        return self._mathematics.observables

    @property
    def equations(self) -> tuple[sympy.Eq, ...]:
        """``Eq(Derivative(x, t), f)`` for each state; f is in states, parameters and `t` alone.

        Of implicit equations: ``Eq(M u', f)`` by rows, and ``Eq(0, f)`` where no derivative stands in one.
        """
        return self._mathematics.equations

    def rhs(self) -> sympy.Matrix:
        """The right-hand side f, shape (n, 1)."""
        return self._mathematics.rhs()

    def mass_matrix(self) -> sympy.Matrix:
        """M in M u' = f, shape (n, n): the identity where no equation is implicit."""
        return self._mathematics.mass_matrix()

    def jacobian(self) -> sympy.Matrix:
        """∂f/∂u, shape (n, n). Kinks have the derivative of the active branch."""
        return self._mathematics.jacobian()

    def parameter_jacobian(self) -> sympy.Matrix:
        """∂f/∂p, shape (n, number of parameters)."""
        return self._mathematics.parameter_jacobian()

    def time_gradient(self) -> sympy.Matrix:
        """∂f/∂t, shape (n, 1)."""
        return self._mathematics.time_gradient()

    def hessian(self) -> tuple[sympy.Matrix, ...]:
        """∂²f/∂u², one (n, n) matrix for each equation: ``hessian()[i][j, k]`` is ∂²fᵢ/∂uⱼ∂uₖ."""
        return self._mathematics.hessian()

    @property
    def events(self) -> tuple[SymbolicEvent, ...]:
        """The events, their conditions, times and effects as sympy objects in states, parameters and `t`."""
        return self._mathematics.events

    def observable_values(self) -> dict[sympy.Symbol, sympy.Expr]:
        """Each observed quantity and its value in states, parameters and `t`."""
        return self._mathematics.observable_values()

    @property
    def reactions(self) -> tuple[Reaction, ...]:
        """The reactions in order; `<-->` gives two."""
        return self.definition.reactions

    @property
    def jumps(self) -> tuple[Jump, ...]:
        """The jumps in order."""
        return self.definition.jumps

    @property
    def noise(self) -> Noise | None:
        """What Brownian motions do to the states; None where the equations are ordinary ones."""
        return self.definition.noise

    @property
    def diffusion(self) -> sympy.Matrix:
        """The diffusion matrix g of dx = f dt + g dW, a row for each state and a column for each Brownian
        motion (`model.noise.motions`), as the text has it; the equations tell the drift f."""
        return self._mathematics.diffusion()

    @property
    def rates(self) -> tuple[sympy.Expr, ...]:
        """The rate of each reaction in the reading as an ODE, k*A^n/n! for mass action."""
        return self._mathematics.rates()

    @property
    def propensities(self) -> tuple[sympy.Expr, ...]:
        """The rate of each reaction between counted molecules, k*A*(A-1)/2 for a pair."""
        return self._mathematics.propensities()

    def stoichiometry(self) -> np.ndarray:
        """The net change of each state by each reaction: int array (n, number of reactions)."""
        matrix = np.zeros((len(self.state_names), len(self.reactions)), dtype=int)
        for j, changes in enumerate(stoichiometry(self.reactions, self.state_names)):
            for i, count in changes.items():
                matrix[i, j] = count
        return matrix

    @property
    def extern_names(self) -> tuple[str, ...]:
        """Names of the functions that come from outside the text, bound or not."""
        return tuple(one.name for one in self.definition.externs)

    def bind(self, **functions: Any) -> Model:
        """The model with functions from outside bound: `model.bind(net=network)`.

        A `symde.Network` is compiled with the model, and its weights are parameters: `p={"net": network}`,
        `p={"net.0.weight": array}`, `wrt="net"`. A `torch.nn.Module` keeps its weights, and such a model is
        solved by torch.

        Raises:
            ValueError: there is no such function, or the sizes differ.
            TypeError: neither network nor module.
        """
        from symde.model.bind import bound

        return Model(bound(self.definition, functions))

    def with_events(self, events: Iterable[Event]) -> Model:
        """The model with more events, after its own: `model.with_events([symde.Event("x > 3", {"x": "0"})])`.

        A parameter that an event sets becomes a discrete variable of the same name that starts at the
        parameter's value; it is a state of the model, after the others.

        Raises:
            ModelError: a string says nothing of the model, with the place in the string.
            TypeError: something else than a `symde.Event` is given.
        """
        from symde.model.events import with_events

        return Model(with_events(self.definition, events))

    def with_projection(self) -> Model:
        """The model whose solutions are projected, step by step, onto what it states as `conserved`.

        Each quantity is kept at its value at the start. Its text says nothing of it.

        Raises:
            ValueError: the model states nothing as conserved.
        """
        from symde.model.implicit import projected

        return Model(projected(self.definition))

    def sparsity(self) -> np.ndarray:
        """Where the Jacobian may be nonzero: bool array (n, n), from the text's structure, without sympy."""
        return sparsity(self.definition)

    def latex(self) -> str:
        r"""The equations in LaTeX, an ``aligned`` block without delimiters."""
        return self._mathematics.latex()

    def text(self) -> str:
        """The model in the long form of the language; :func:`symde.ode_def` of it gives an equal model."""
        return model_text(self.definition)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __eq__(self, other: object) -> bool:
        return same(self.definition, other.definition) if isinstance(other, Model) else NotImplemented

    @cached_property
    def _fingerprint(self) -> int:
        return fingerprint(self.definition)

    def __hash__(self) -> int:
        return self._fingerprint

    def __reduce__(self) -> tuple[Any, tuple[Packed]]:
        return _unpickle, (pack(self.definition),)

    def __repr__(self) -> str:
        parts = [f"states {_listed(self.state_names)}"]
        if self.parameter_names:
            parts.append(f"parameters {_listed(self.parameter_names)}")
        if self.observable_names:
            parts.append(f"observables {_listed(self.observable_names)}")
        return f"<Model {self.name}: {'; '.join(parts)}>"


def _unpickle(packed: Packed) -> Model:
    return Model(unpack(packed))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names if len(names) <= 8 else (*names[:6], "..."))
    return shown if len(names) <= 8 else f"{shown} ({len(names)})"
