"""Values a caller gives by order or by name, checked and made plain floats."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symde.diagnostics import suggest
from symde.problem.arrays import arrays_of, elements

_NO_NUMBERS = (str, bytes, bool, np.bool_, type(None), np.datetime64, np.timedelta64)

_FLOAT64 = np.dtype(np.float64)


def _masked(value: Any) -> bool:
    """Whether masked values are among these; who has made none has not loaded `numpy.ma` (15 ms)."""
    return "numpy.ma" in sys.modules and bool(np.ma.is_masked(value))


def real(value: Any, what: str) -> float:
    """One finite real number.

    Raises:
        TypeError: not a real number. ValueError: NaN or infinite.
    """
    if type(value) is float and value - value == 0.0:  # the usual case, without further ado
        return value
    if isinstance(value, complex) or (isinstance(value, np.ndarray | np.generic) and np.iscomplexobj(value)):
        raise TypeError(f"{what} is complex ({value}): symde solves real equations; split it into two states")
    if _masked(value):
        raise ValueError(f"{what} is masked")
    if isinstance(value, _NO_NUMBERS):
        raise TypeError(f"{what} must be a number, found {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} must be a number, found {type(value).__name__}: {value!r}") from None
    except OverflowError:
        raise ValueError(f"{what} is beyond the range of float64, 1.8e308") from None
    if not math.isfinite(number):
        raise ValueError(f"{what} is {number}: it must be finite")
    return number


def reals(given: Any, what: str) -> np.ndarray:
    """Real numbers as an array of floats in the shape they have; NaN and infinities pass.

    Raises:
        TypeError: text, complex values, truth values, dates or other things that are no real numbers.
        ValueError: values are masked, or rows differ in length.
    """
    # the usual cases, without further ado
    if type(given) is np.ndarray and given.dtype is _FLOAT64:
        return given
    if type(given) is list and set(map(type, given)) == {float}:
        return np.array(given)
    if isinstance(given, set | frozenset | Mapping):
        raise TypeError(f"{what} must come in an order: write a list, not a {type(given).__name__}")
    if _masked(given):
        raise ValueError(f"{what} is masked")
    _refuse_iterator(given, what)
    try:
        array = np.asarray(given)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be a number or a list of numbers, found {given!r}") from None
    if array.dtype.kind in "fiu":
        return array.astype(float, copy=False)
    if array.dtype.kind == "O":  # fractions, decimals, large integers, and what is no number
        return np.array([real(one, what) for one in array.flat], dtype=float).reshape(array.shape)
    found = "complex values" if array.dtype.kind == "c" else f"{given!r}"
    raise TypeError(f"{what} must be real numbers, found {found}")


def _plain(given: Any) -> list[float] | None:
    """The values of a list or vector of finite floats, of which nothing is refused; None for all else."""
    values = given.tolist() if type(given) is np.ndarray and given.dtype is _FLOAT64 else given
    if type(values) is list and set(map(type, values)) == {float} and all(map(math.isfinite, values)):
        return values
    return None


def _refuse_iterator(given: Any, what: str) -> None:
    if hasattr(given, "__next__"):
        raise TypeError(f"{what}: a {type(given).__name__} can be read only once: write list(...) around it")


def unknown_name(name: str, kind: str, names: Sequence[str]) -> ValueError:
    """The error for a name the model does not have."""
    nearest = suggest(name, names)
    known = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    hint = f"; did you mean `{nearest}`?" if nearest else f"; the model has {known or 'none'}"
    return ValueError(f"unknown {kind} `{name}`{hint}")


def by_name(given: Any, names: Sequence[str], kind: str) -> dict[str, float]:
    """Values by name, from a mapping or from a sequence in the model's order."""
    if given is None:
        return {}
    plain = _plain(given)
    if plain is not None and len(plain) == len(names):
        return dict(zip(names, plain, strict=True))
    if type(given) is dict or isinstance(given, Mapping) or hasattr(given, "items"):
        known = set(names)
        result = {}
        for key, value in given.items():
            name = str(key)
            if name not in known:
                arrays = arrays_of(tuple(names))
                if name not in arrays:
                    raise unknown_name(name, kind, [*names[:12], *arrays, *names[12:]] if arrays else names)
                values = elements(value, name, names, arrays)
                if twice := next((one for one in values if one in result), None):
                    raise ValueError(f"{kind} `{twice}` is given twice")
                result.update(values)
                continue
            if name in result:  # as text and as symbol
                raise ValueError(f"{kind} `{name}` is given twice")
            result[name] = real(value, f"{kind} `{name}`")
        return result
    if isinstance(given, set | frozenset):
        raise TypeError(f"values of {kind}s must come in an order or by name, and a set has neither")
    if isinstance(given, str | bytes):
        raise TypeError(
            f"values of {kind}s come as a sequence or a mapping by name, found the text {given!r}"
        )
    _refuse_iterator(given, f"values of {kind}s")
    try:
        values = list(given) if np.ndim(given) else [given]
    except (TypeError, ValueError):
        raise TypeError(
            f"values of {kind}s come as a sequence or a mapping by name, found {given!r}"
        ) from None
    if np.ndim(given) > 1:
        raise ValueError(f"values of {kind}s must be one-dimensional, found shape {np.shape(given)}")
    if len(values) != len(names):
        raise ValueError(
            f"expected {len(names)} values of {kind}s ({', '.join(names[:12])}), found {len(values)}"
        )
    return {name: real(value, f"{kind} `{name}`") for name, value in zip(names, values, strict=True)}


def states_by_name(given: Any, system: Any) -> dict[str, float]:
    """Values of states by name, from a mapping or from a sequence.

    Of a model with implicit equations not all states of the text are states of what is solved. Values of the
    others are guesses: those of aliases of algebraic variables are what these begin with, unless that is
    given too; the rest are not needed and left out. A sequence may be in the order of the text or in that of
    the system, as its length tells.
    """
    names, text = system.state_names, getattr(system, "text_names", None)
    if given is None or text is None:
        return by_name(given, names, "state")
    order = (*names, *(name for name in text if name not in names))
    if not hasattr(given, "items"):
        length = len(given) if hasattr(given, "__len__") else 1
        if length == len(names) == len(text):
            raise ValueError(
                f"u0 as a list may mean {', '.join(text)} or {', '.join(names)}: give the values by name"
            )
        order = text if length == len(text) else names
    values = by_name(given, order, "state")
    found = {name: value for name, value in values.items() if name in names}
    return found if len(found) == len(values) else of_aliases(values, system) | found


def of_aliases(values: Mapping[str, Any], system: Any) -> dict[str, Any]:
    """The guesses of algebraic variables of which others are aliases, by the values of these."""
    states = {state.name: state for state in system.definition.states}
    found: dict[str, Any] = {}
    for name, value in values.items():
        quantity = None if name in states else system.computed(name)
        if quantity is not None and quantity.alias is not None and states[quantity.alias].algebraic:
            found.setdefault(quantity.alias, -value if quantity.negative else value)
    return found


def tolerances_by_name(atol: Any, system: Any) -> Any:
    """Absolute tolerances as given, those by the name of a quantity that is a state, or its negative, as that
    state's; the smaller of two.

    Raises:
        ValueError: a name is that of another quantity that is computed from states.
    """
    computed = getattr(system, "computed", None)
    if computed is None or not (isinstance(atol, Mapping) or hasattr(atol, "items")):
        return atol
    found: dict[Any, Any] = {}
    for key, value in atol.items():
        quantity = None if str(key) in system.state_names else computed(str(key))
        if quantity is None:
            found[key] = value
        elif quantity.alias is None:
            raise ValueError(f"atol: {quantity.without_tolerance()}")
        else:
            name = quantity.alias
            found[name] = min(found.get(name, value), value)
    return found


def count(given: Any, what: str) -> int:
    """How many values a plain function is called with, from the values themselves."""
    if given is None or callable(given):
        raise ValueError(f"a plain function f(u, p, t) needs {what} as numbers: they tell how many there are")
    number = len(given) if hasattr(given, "__len__") else 1
    if number == 0 and what == "u0":
        raise ValueError("u0 is empty: a problem has one state at least")
    return number
