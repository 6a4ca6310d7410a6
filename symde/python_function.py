"""A plain Python function f(u, p, t) as a system: traced to a model where possible, else called back.

A traced function runs at compiled speed with exact derivatives. One that branches on values or calls foreign
code cannot be traced; it is called for every evaluation, and stiff methods take its Jacobian by differences
(which changes how fast Newton-like iterations go, not what they converge to: Rosenbrock methods lose order
with it, so the error control takes smaller steps).
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symde.codegen.split import SplitKernels
from symde.problem.system import Equation, NonFinite
from symde.problem.traits import Traits

Function = Callable[[np.ndarray, np.ndarray, float], Any]

_kernel_type = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_double, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p)
)
_ROOT_EPSILON = np.sqrt(np.finfo(float).eps)


def _array(address: int, length: int) -> np.ndarray:
    buffer: Any = (ctypes.c_double * length).from_address(address)
    return np.frombuffer(buffer) if length else np.empty(0)


def require_arguments(function: Callable[..., Any]) -> None:
    """Refuse a function that is not written for f(u, p, t); one in another order would solve something else.

    Raises:
        TypeError: it takes another number of arguments, or the time at another place.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some compiled functions nothing is known
        return
    name = getattr(function, "__name__", type(function).__name__)
    try:
        bound = signature.bind("u", "p", "t").arguments
    except TypeError as problem:
        message = f"{name}{signature} cannot be called as f(u, p, t), which returns du/dt: {problem}"
        raise TypeError(message) from None
    if bound.get("t", "t") != "t":
        raise TypeError(f"{name}{signature} has the time at another place: symde calls f(u, p, t)")


_LOST = "keep_lost_exception"


@functools.cache
def _catch_lost_exceptions() -> None:
    """Catch, once a process, what ctypes drops: Ctrl-C that arrives between the call of a kernel and its
    `try`. The solve would go on with what the last call left behind."""
    previous = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        keep = getattr(unraisable.object, _LOST, None)
        if keep is None:
            previous(unraisable)
        else:
            keep(unraisable.exc_value)

    sys.unraisablehook = hook


class CallbackKernels:
    """Kernels that call a Python function; an exception stops the solve and is raised from there."""

    lu_length = 0

    split: SplitKernels | None = None
    """The kernels of its parts, where the function is split."""

    def __init__(self, function: Function, n: int, m: int) -> None:
        self.function, self.n, self.m = function, n, m
        self._raised = threading.local()
        _catch_lost_exceptions()
        bodies = {
            "rhs": self._rhs,
            "rhs_jacobian": self._rhs_jacobian,
            "rhs_gradient": self._rhs_gradient,
            "jacobian_vector": self._jacobian_vector,
        }
        self._kernels = {name: _kernel_type(self._guarded(body)) for name, body in bodies.items()}

    @property
    def error(self) -> BaseException | None:
        """The exception the function raised in this thread; others may be solving the same problem."""
        return getattr(self._raised, "error", None)

    @error.setter
    def error(self, error: BaseException | None) -> None:
        self._raised.error = error

    @functools.cached_property
    def pattern(self) -> tuple[np.ndarray, np.ndarray]:
        """The pattern of the Jacobian by differences, which is full."""
        n = self.n
        return np.arange(0, n * n + 1, n), np.tile(np.arange(n), n)

    def address(self, name: str) -> int:
        """Address of a kernel, 0 where there is none."""
        kernel = self._kernels.get(name)
        return ctypes.cast(kernel, ctypes.c_void_p).value or 0 if kernel else 0

    def slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """f(u, p, t) as an array of shape (n,); the function gets copies, so it may keep or change them."""
        value = self.function(u.copy(), p.copy(), t)
        if value is None:
            raise TypeError(
                "the function f(u, p, t) returned None: it must return the derivatives of all states"
            )
        slope = value if type(value) is np.ndarray and value.dtype == float else self._numbers(value)
        if slope.shape != (self.n,):
            raise ValueError(
                f"the function f(u, p, t) returned shape {slope.shape}, expected ({self.n},) as u"
            )
        return slope

    def _numbers(self, value: Any) -> np.ndarray:
        """What the function returned, as floats; NaN and infinities pass, the step is rejected for them."""
        if np.ma.is_masked(value):
            raise ValueError("the function f(u, p, t) returned masked values")
        expected = f"the function f(u, p, t) must return {self.n} numbers"
        try:
            slope = np.asarray(value)
            texts = slope.dtype.kind == "O" and any(isinstance(one, str | bytes | None) for one in slope.flat)
            numbers = slope.astype(float) if slope.dtype.kind in "fiubO" and not texts else None
        except OverflowError:
            raise ValueError(f"{expected}; one is beyond the range of float64: {value!r}") from None
        except (TypeError, ValueError):  # rows of different lengths, or things that are no numbers
            raise TypeError(f"{expected}, found {value!r}") from None
        if slope.dtype.kind == "c":
            raise TypeError("the function f(u, p, t) returned complex values: symde solves real equations")
        if numbers is None:
            raise TypeError(f"{expected}, found {value!r}")
        return numbers

    def _guarded(self, body: Callable[..., None]) -> Callable[..., int]:
        def kernel(t: float, inputs: Any, outputs: Any) -> int:
            try:
                if self.error is not None:  # one was lost, and what it should have computed is missing
                    return 1
                body(t, _array(inputs[0], self.n), _array(inputs[1], self.m), inputs, outputs)
            except BaseException as error:  # carried through the compiled loop and raised by the solve
                self.error = error
                return 1
            return 0

        setattr(kernel, _LOST, self._keep)
        return kernel

    def _keep(self, error: BaseException) -> None:
        self.error = error

    def _rhs(self, t: float, u: np.ndarray, p: np.ndarray, inputs: Any, outputs: Any) -> None:
        _array(outputs[0], self.n)[:] = self.slope(t, u, p)

    def _rhs_jacobian(self, t: float, u: np.ndarray, p: np.ndarray, inputs: Any, outputs: Any) -> None:
        f = self.slope(t, u, p)
        _array(outputs[0], self.n)[:] = f
        jacobian = _array(outputs[1], self.n * self.n).reshape(self.n, self.n)
        scale = np.abs(u).max(initial=0.0) or 1.0
        for j in range(self.n):
            moved = u.copy()
            moved[j] += _ROOT_EPSILON * max(abs(u[j]), 1e-3 * scale)
            jacobian[:, j] = (self.slope(t, moved, p) - f) / (moved[j] - u[j])
        self._time_gradient(t, u, p, f, outputs)

    def _rhs_gradient(self, t: float, u: np.ndarray, p: np.ndarray, inputs: Any, outputs: Any) -> None:
        f = self.slope(t, u, p)
        _array(outputs[0], self.n)[:] = f
        self._time_gradient(t, u, p, f, outputs)

    def _time_gradient(self, t: float, u: np.ndarray, p: np.ndarray, f: np.ndarray, outputs: Any) -> None:
        later = t + _ROOT_EPSILON * max(abs(t), 1e-3)
        _array(outputs[2], self.n)[:] = (self.slope(later, u, p) - f) / (later - t)

    def _jacobian_vector(self, t: float, u: np.ndarray, p: np.ndarray, inputs: Any, outputs: Any) -> None:
        direction = _array(inputs[6], self.n)
        length = float(np.linalg.norm(direction))
        if length == 0.0:
            _array(outputs[0], self.n)[:] = 0.0
            return
        # over the length: directions of unit length in the norm of the error test are as short as tolerances
        size = _ROOT_EPSILON * max(float(np.linalg.norm(u)), 1e-3) / length
        difference = self.slope(t, u + size * direction, p) - self.slope(t, u, p)
        _array(outputs[0], self.n)[:] = difference / size


class CallbackSystem:
    """A system around a Python function that could not be traced.

    Args:
        function: f(u, p, t).
        n: Number of states.
        m: Number of parameters.
        parts: Two functions whose sum it is, the first of them stiff.
    """

    observable_names: tuple[str, ...] = ()
    nominal = None
    compiled = False
    delays = False
    past_observables: frozenset[str] = frozenset()

    def __init__(
        self, function: Function, n: int, m: int, parts: tuple[Function, Function] | None = None
    ) -> None:
        self.state_names = tuple(f"u{i + 1}" for i in range(n))
        self.parameter_names = tuple(f"p{j + 1}" for j in range(m))
        self.kernels = CallbackKernels(function, n, m)
        self.split = parts is not None
        self._parts = tuple(CallbackKernels(one, n, m) for one in parts or ())
        if self._parts:
            self.kernels.split = SplitKernels(self.kernels, *self._parts)
        self.sessions: dict[Any, list[Any]] = {}
        self.traits = Traits(n)
        self.plans: Any = None
        self.solved: Any = self

    def parameters(self, given: Mapping[str, float]) -> np.ndarray:
        """The parameters as given."""
        return np.array([given[name] for name in self.parameter_names], dtype=float)

    def initial_state(self, p: np.ndarray, t0: float, given: Mapping[str, float]) -> np.ndarray:
        """The initial state as given."""
        return np.array([given[name] for name in self.state_names], dtype=float)

    def time_span(self, p: np.ndarray) -> tuple[float, float] | None:
        """A function states none."""
        return None

    def observe(self, t: np.ndarray, u: np.ndarray, p: np.ndarray, solution: Any = None) -> np.ndarray:
        """A function has no observed quantities."""
        return np.empty((len(t), 0))

    def unit(self, name: str) -> str | None:
        """A function declares no units."""
        return None

    def equation(self, index: int) -> Equation:
        """The function itself stands for its equations."""
        function = self.kernels.function
        code = getattr(inspect.unwrap(function), "__code__", None)
        name = getattr(function, "__name__", type(function).__name__)
        text = f"component {index} of {name}(u, p, t)"
        return Equation(
            self.state_names[index],
            text,
            code.co_filename if code else "",
            code.co_firstlineno if code else 0,
        )

    def slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The right-hand side."""
        return self.kernels.slope(t, u, p)

    def non_finite(self, t: float, u: np.ndarray, p: np.ndarray) -> NonFinite | None:
        """The first component that is not finite."""
        f = self.slope(t, u, p)
        bad = np.flatnonzero(~np.isfinite(f))
        if not len(bad):
            return None
        equation = self.equation(int(bad[0]))
        arguments = tuple(zip(self.state_names, u.tolist(), strict=True))[:6]
        return NonFinite(equation.text, float(f[bad[0]]), equation.line, arguments)

    def take_error(self) -> BaseException | None:
        """The exception the function, or a part of it, raised, once."""
        found = None
        for kernels in (self.kernels, *self._parts):
            found, kernels.error = found or kernels.error, None
        return found
