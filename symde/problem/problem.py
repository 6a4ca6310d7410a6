"""A model with the numbers that make it a problem to solve."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from symde.problem.system import System, read_as, system_of
from symde.problem.values import by_name, count, real, states_by_name


class Problem:
    """Initial value problem: u' = f(u, p, t), u(t0) = u0, t0..t1.

    A problem does not change: `remake` gives another with other numbers. A plain function that can be traced
    is read here, once: what it finds outside of (u, p, t), such as global names, keeps its present value.

    Args:
        model: A model, a model text, a plain function f(u, p, t), or a `SplitFunction` of two.
        u0: Initial state by order or by name, or a function of p (an array) that gives it. States that are
            not named keep the model's initial value, which may depend on the parameters.
        tspan: (t0, t1), or a function of p; t1 < t0 integrates backwards. Default: the model's `time`.
        p: Parameters by order or by name. Parameters that are not named keep the model's default, which
            follows the parameters it is made of.
        history: Not an option: the history of delay equations is a statement of the model.
        kind: Reading of the model: "ode", also of reactions (the default), or "jump": populations of whole
            numbers that reactions and jumps change one event at a time (the default of models with jumps), or
            "sde": equations with noise (the default of models with noise), reactions as Langevin equations.

    Attributes:
        model: The model; a plain function stays what it is.
        u0: Initial state, shape (n,).
        p: Parameters, shape (m,).
        tspan: (t0, t1).

    Raises:
        ValueError: a name is unknown, a value is missing, of the wrong length or not finite, or the span is
            empty.
        TypeError: a value is not a real number, or a function does not take (u, p, t).
        AttributeError: an attribute was assigned.
    """

    __slots__ = ("model", "system", "kind", "u0", "tspan", "p", "_u0_given", "_tspan_given", "_p_given")

    model: Any
    system: System
    kind: str | None
    u0: np.ndarray
    tspan: tuple[float, float]
    p: np.ndarray
    _u0_given: Any
    _tspan_given: Any
    _p_given: dict[str, float]

    def __init__(
        self,
        model: Any,
        u0: Any = None,
        tspan: Any = None,
        p: Any = None,
        history: Any = None,
        kind: str | None = None,
    ) -> None:
        if history is not None:
            raise ValueError(
                "the history of delay equations is part of the model: write `history x = ...` in its text, "
                "with parameters for what is to change"
            )
        system, model = system_of(model, **_sizes(model, u0, p))
        kind, system = read_as(kind, system, model)
        p = by_name(p, system.parameter_names, "parameter")
        u0 = _function_of_p(u0, "u0") if callable(u0) else states_by_name(u0, system)
        self._evaluate(model, system, kind, u0, tspan, p)

    def _evaluate(
        self, model: Any, system: System, kind: str | None, u0_given: Any, tspan_given: Any, p_given: Any
    ) -> None:
        """What was given, and the numbers that follow from it."""
        try:
            p = system.parameters(p_given)
        except KeyError as missing:
            raise ValueError(_missing("parameter", "param", "p", missing.args[0])) from None
        tspan = _span(tspan_given, system, p)
        given = u0_given
        if callable(given):
            given = states_by_name(_called(given, p, "u0"), system)
        try:
            u0 = system.initial_state(p, tspan[0], given)
        except KeyError as missing:
            raise ValueError(_missing("state", "state", "u0", missing.args[0])) from None
        _require_finite(u0, system.state_names, "initial value of state")
        _require_finite(p, system.parameter_names, "parameter")
        u0.setflags(write=False)
        p.setflags(write=False)
        if tspan_given is not None and not callable(tspan_given):
            tspan_given = tspan  # the caller's list may change later, and an iterator is used up
        self._set(model, system, kind, u0, tspan, p, u0_given, tspan_given, p_given)

    def _set(self, *values: Any) -> None:
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        remedy = f"remake(problem, {name}=...)" if name in ("u0", "tspan", "p") else "make another one"
        raise AttributeError(f"a Problem does not change, and `{name}` cannot be set: {remedy}")

    @property
    def given_parameters(self) -> Collection[str]:
        """Names of the parameters that were given; the others follow their defaults."""
        return self._p_given

    @property
    def given_u0(self) -> Any:
        """The initial values that were given by name, or the function that gives them."""
        return self._u0_given

    @property
    def given_tspan(self) -> Any:
        """The time span as it was given; None: the model's own."""
        return self._tspan_given

    def __reduce__(self) -> tuple[Any, ...]:
        restore = getattr(self.system, "restore", None)
        if restore is not None:  # the model's own system is another one
            return restore(self)
        return Problem, (
            self.model,
            self._u0_given or None,
            self._tspan_given,
            self._p_given or None,
            None,
            self.kind,
        )

    def __repr__(self) -> str:
        t0, t1 = self.tspan
        name = getattr(self.model, "name", "") or "anonymous"
        states = "1 state" if len(self.u0) == 1 else f"{len(self.u0)} states"
        called = "" if self.system.compiled else ", a Python function called back"
        return f"<Problem {name}: {states}, t = {t0:g}..{t1:g}{called}>"


def expected_problem(given: Any) -> Problem:
    """What is to be a problem.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(given, Problem):
        raise TypeError(
            f"expected a symde.Problem, found {type(given).__name__}: write symde.Problem(model, ...)"
        )
    return given


def with_system(
    problem: Problem,
    system: Any,
    u0: np.ndarray,
    p: np.ndarray | None = None,
    given_u0: Any = None,
    given_p: dict[str, float] | None = None,
    given_tspan: Any = None,
    tspan: tuple[float, float] | None = None,
) -> Problem:
    """The problem of another system from its own initial state.

    Args:
        problem, system, u0: That problem, the system, the state.
        p: Its parameters; None: the same.
        given_u0, given_p: What counts as given, and so does not follow from the parameters; None: nothing.
        given_tspan: The function of the parameters that the time span is; None: it follows nothing.
        tspan: Its time span; None: the same.
    """
    new = object.__new__(Problem)
    p = problem.p if p is None else p
    tspan = problem.tspan if tspan is None else tspan
    given = given_u0 or {}, given_tspan or tspan, given_p or {}
    new._set(problem.model, system, problem.kind, u0, tspan, p, *given)
    return new


def of_system(problem: Problem, system: Any) -> Problem:
    """The problem with its very numbers and another system of the same states and parameters."""
    new = object.__new__(Problem)
    given = problem._u0_given, problem._tspan_given, problem._p_given
    new._set(problem.model, system, problem.kind, problem.u0, problem.tspan, problem.p, *given)
    return new


def ended_at(problem: Problem, end: float) -> Problem:
    """The problem with its very numbers and another end."""
    new = object.__new__(Problem)
    span = problem.tspan[0], end
    given = problem._u0_given, span, problem._p_given
    new._set(problem.model, problem.system, problem.kind, problem.u0, span, problem.p, *given)
    return new


def _sizes(model: Any, u0: Any, p: Any) -> dict[str, int]:
    """A plain function says nothing of its sizes: they are those of the values given with it."""
    if not callable(model) or hasattr(model, "state_names"):
        return {}
    return {"n": count(u0, "u0"), "m": count(p, "p") if p is not None else 0}


def _missing(kind: str, keyword: str, argument: str, name: str) -> str:
    statement = f"{name}(0) = ..." if name.endswith("'") else f"{keyword} {name} = ..."
    remedy = f"give {argument}={{{name!r}: ...}}, or write `{statement}` in the model"
    return f"no value for {kind} `{name}`: {remedy}"


def _span(given: Any, system: System, p: np.ndarray) -> tuple[float, float]:
    """The time span as two different finite numbers."""
    if callable(given):
        span: Any = _called(_function_of_p(given, "tspan"), p, "tspan")
    else:
        span = system.time_span(p) if given is None else given
    if span is None:
        raise ValueError("no time span: give tspan=(t0, t1), or write `time t0 .. t1` in the model")
    if type(span) is not tuple and isinstance(span, set | frozenset | Mapping):
        raise TypeError(f"tspan must come in an order: write (t0, t1), not a {type(span).__name__}")
    try:
        t0, t1 = span
    except (TypeError, ValueError):
        raise ValueError(f"tspan must be two times (t0, t1), found {span!r}") from None
    t0, t1 = real(t0, "tspan[0]"), real(t1, "tspan[1]")
    if t0 == t1:
        raise ValueError(f"tspan is empty: it starts and ends at {t0:g}")
    if not math.isfinite(t1 - t0):
        raise ValueError(f"tspan {t0:g} to {t1:g} is longer than float64 can tell")
    return t0, t1


def _function_of_p(function: Any, what: str) -> Any:
    """The function, where it can be called with the parameters.

    Raises:
        TypeError: it takes another number of arguments.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some compiled functions nothing is known
        return function
    try:
        signature.bind("p")
    except TypeError as problem:
        raise TypeError(f"{what} as a function is called as {what}(p), p an array: {problem}") from None
    return function


def _called(function: Any, p: np.ndarray, what: str) -> Any:
    """What a function of the parameters gives; one that forgot its `return` would give the model's values."""
    found = function(p.copy())
    if found is None:
        raise TypeError(f"{what} as a function of p returned None: it must return what {what} is to be")
    return found


def _require_finite(values: np.ndarray, names: tuple[str, ...], what: str) -> None:
    finite = np.isfinite(values)
    if np.count_nonzero(finite) < len(values):  # a third of the time of finite.all()
        index = int(np.argmin(finite))
        raise ValueError(f"{what} `{names[index]}` is {values[index]}: it must be finite")


_UNCHANGED: Any = object()


def remake(
    problem: Problem, *, u0: Any = _UNCHANGED, tspan: Any = _UNCHANGED, p: Any = _UNCHANGED
) -> Problem:
    """The problem with other numbers; nothing is compiled again.

    Values by name change only those named; a sequence replaces all. Initial values and defaults that depend
    on parameters follow them, unless they were set. `None` goes back to the model's own values.
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"remake takes a symde.Problem, found {type(problem).__name__}")
    system = problem.system
    p = _merged(problem._p_given, p, system.parameter_names, "parameter")
    tspan = problem._tspan_given if tspan is _UNCHANGED else tspan
    if callable(u0):
        u0 = _function_of_p(u0, "u0")
    elif callable(problem._u0_given):
        u0 = _partly_replaced(problem._u0_given, u0, system)
    else:
        u0 = u0 if u0 is _UNCHANGED or u0 is None else states_by_name(u0, system)
        u0 = _merged(problem._u0_given, u0, system.state_names, "state")
    new = object.__new__(Problem)
    new._evaluate(problem.model, system, problem.kind, u0, tspan, p)
    return new


def _merged(old: dict[str, float], change: Any, names: tuple[str, ...], kind: str) -> dict[str, float]:
    if change is _UNCHANGED:
        return old
    if change is None:
        return {}
    return {**old, **by_name(change, names, kind)}


def _partly_replaced(function: Callable[[np.ndarray], Any], change: Any, system: System) -> Any:
    """A function for the initial state, some of whose values are now fixed."""
    if change is _UNCHANGED:
        return function
    fixed = states_by_name(change, system)
    if len(fixed) in (0, len(system.state_names)):
        return fixed
    return lambda p: {**states_by_name(_called(function, p, "u0"), system), **fixed}
