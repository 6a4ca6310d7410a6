"""What a loss is: a number of one or several solves, with its derivatives by what was saved.

A plain function `loss(u) -> (value, dvalue/du)` is one; an object that knows its own save times and reads
times and parameters is another; one over several solves names them in `parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symde.problem.problem import Problem
from symde.problem.values import real, reals
from symde.sensitivity.observation import observation
from symde.sensitivity.start import start_of

LossFunction = Callable[[np.ndarray], tuple[float, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class LossValue:
    """A loss of one solve.

    Attributes:
        value: The loss.
        states: Its derivative by the saved states, shape (n_times, n).
        parameters: Its derivative by the parameters where it reads them itself, shape (m,); None: zero.
        end: Its derivative by the last saved time, where it reads that itself; it counts where an event ended
            the solve there.
    """

    value: float
    states: np.ndarray
    parameters: np.ndarray | None = None
    end: float = 0.0


class Loss(Protocol):
    """A loss of one solve that knows when it needs the solution."""

    def times(self, problem: Problem) -> Any:
        """When to save, as `saveat` of `symde.solve`."""
        ...

    def evaluate(self, problem: Problem, t: np.ndarray, u: np.ndarray) -> LossValue:
        """The loss of the states u, shape (n_times, n), saved at the times t, shape (n_times,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One of the solves that a loss is a sum over.

    Attributes:
        problem: What is solved.
        loss: Its share of the loss.
        fixed_parameters, fixed_states: Names of the parameters and of the initial values that this solve sets
            itself, so that it does not depend on those of the common problem.
    """

    problem: Problem
    loss: Loss
    fixed_parameters: frozenset[str] = frozenset()
    fixed_states: frozenset[str] = frozenset()


class Parted(Protocol):
    """A loss over several solves."""

    def parts(self, problem: Problem) -> Sequence[Part]:
        """The solves, made from the common problem."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FunctionLoss:
    """A function of the saved states, or of some quantities at the saved times.

    Attributes:
        function: Gives the value and its derivative by what it is given.
        saveat: When to save; None: the end alone.
        of: Names of the quantities it reads; None: all states.
    """

    function: LossFunction
    saveat: Any
    of: tuple[str, ...] | None

    def times(self, problem: Problem) -> Any:
        """When to save."""
        return [problem.tspan[1]] if self.saveat is None else self.saveat

    def evaluate(self, problem: Problem, t: np.ndarray, u: np.ndarray) -> LossValue:
        """The function's value and derivatives, checked."""
        if self.of is None:
            return LossValue(*evaluate_loss(self.function, u))
        read = observation(problem.system, self.of)
        observed = read(t, u, problem.p)
        value, weights = evaluate_loss(self.function, observed.values, "quantities")
        states, parameters = observed.pull_back(weights)
        start = start_of(problem)
        at_end, end = t[-1] == problem.tspan[1], 0.0
        if start.ends if at_end else problem.system.kernels.has_events:  # the end's own time moves
            end = float(weights[-1] @ read.by_time(t[-1:], u[-1:], problem.p)[0])
        if at_end and start.ends:
            parameters = parameters + end * start.span[1]
        return LossValue(value, states, parameters, end)


def parts_of(loss: Any, problem: Problem, saveat: Any, of: Any) -> Sequence[Part]:
    """The solves of any loss.

    Raises:
        TypeError: it is no loss, or `of` has no names.
        ValueError: `saveat` or `of` with a loss that knows them itself.
    """
    has_parts = hasattr(loss, "parts")
    if has_parts or (hasattr(loss, "times") and hasattr(loss, "evaluate")):
        for given, what in ((saveat, "saveat"), (of, "of")):
            if given is not None:
                raise ValueError(
                    f"{type(loss).__name__} knows itself what it reads and when: leave out {what}"
                )
        return loss.parts(problem) if has_parts else (Part(problem, loss),)
    if not callable(loss):
        raise TypeError(
            "loss must be a function of the saved states, or a loss such as symde.LeastSquares, "
            f"found {loss!r}"
        )
    function: Any = loss
    return (Part(problem, FunctionLoss(function, saveat, names_of(of))),)


def names_of(of: Any) -> tuple[str, ...] | None:
    """What `of` names: one quantity, several, or None for the states.

    Raises:
        TypeError: not names.
    """
    if of is None:
        return None
    names = (of,) if isinstance(of, str) else tuple(of) if isinstance(of, Sequence | np.ndarray) else (of,)
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError(
            f'of takes the names that the loss reads, in order, such as ["x", "flux"]; found {of!r}'
        )
    return names


def evaluate_loss(loss: LossFunction, u: np.ndarray, what: str = "states") -> tuple[float, np.ndarray]:
    """The value of a function and its derivative by the saved values, checked.

    Raises:
        TypeError: it does not give two things. ValueError: shapes do not agree.
    """
    given: Any = loss(u)
    # a loss for second derivatives gives a third thing, which is not needed here
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise TypeError(
            f"the loss must return two things, its value and its derivative by the saved {what}: "
            f"(value, du) with du of shape {u.shape}; found {given!r:.200}"
        )
    return real(given[0], "value of the loss"), weights_of(given[1], u.shape, "derivative", what)


def weights_of(given: Any, shape: tuple[int, ...], kind: str, what: str = "states") -> np.ndarray:
    """A derivative that a function gave, checked.

    Args:
        given: What it gave; NaN and infinities pass.
        shape: That of what it is by.
        kind: What it is, for the message.
        what: What it is by, for the message.

    Raises:
        TypeError: not real numbers. ValueError: shapes do not agree, or values are masked.
    """
    weights = reals(given, f"the {kind} that the loss gave")
    if weights.shape != shape:
        axes = f"(paths, times, {what})" if len(shape) == 3 else f"(times, {what})"
        raise ValueError(
            f"the loss gave a {kind} of shape {weights.shape}: it must have the shape of the saved {what}, "
            f"{shape} {axes}"
        )
    return weights
