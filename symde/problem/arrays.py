"""Values that belong together: the elements `w[i,j]` of an array, and all arrays under one name.

`net.0.weight[i,j]` and `net.0.bias[i]` are the elements of the arrays `net.0.weight` and `net.0.bias`, and
`net` stands for all of both, one after another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Array:
    """Names that stand next to each other.

    Attributes:
        start, stop: Their places among all names.
        shape: Of the array they are the elements of, None where they are several arrays.
    """

    start: int
    stop: int
    shape: tuple[int, ...] | None

    @property
    def size(self) -> int:
        """How many there are."""
        return self.stop - self.start


@lru_cache(maxsize=64)
def arrays_of(names: tuple[str, ...]) -> Mapping[str, Array]:
    """The arrays whose elements are among some names, in order, and what stands for several of them."""
    elements: dict[str, list[int]] = {}
    several: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        if not name.endswith("]"):
            continue
        array = name[: name.index("[")]
        elements.setdefault(array, []).append(position)
        dot = array.rfind(".")
        while dot >= 0:
            several.setdefault(array[:dot], []).append(position)
            dot = array.rfind(".", 0, dot)
    found: dict[str, Array] = {}
    for array, places in elements.items():
        last = names[places[-1]]
        shape = tuple(int(index) + 1 for index in last[last.index("[") + 1 : -1].split(","))
        if _together(places) and int(np.prod(shape)) == len(places):
            found[array] = Array(places[0], places[-1] + 1, shape)
    for prefix, places in several.items():
        if _together(places) and prefix not in found:
            found[prefix] = Array(places[0], places[-1] + 1, None)
    return found


def _together(places: Sequence[int]) -> bool:
    return places[-1] - places[0] + 1 == len(places)


def elements(given: Any, name: str, names: Sequence[str], arrays: Mapping[str, Array]) -> dict[str, float]:
    """The elements of what is given for an array, or for all arrays under a name.

    Args:
        given: An array of that shape or flat; for several arrays also what has a `state_dict`, such as a
            network, or a mapping of their names behind `name`.
        name: What it is given for, a key of `arrays`.
        names, arrays: All names, and `arrays_of` them.

    Raises:
        ValueError: the shape is another, names are missing or unknown, or a value is not finite.
        TypeError: values are no real numbers.
    """
    array = arrays[name]
    if array.shape is None:
        if hasattr(given, "state_dict"):
            given = given.state_dict()
        if isinstance(given, Mapping):
            return _by_array(given, name, names, arrays)
    values = _numbers(given, name)
    if values.shape not in (array.shape, (array.size,)):
        expected = "" if array.shape is None else f" of shape {array.shape}"
        raise ValueError(f"expected {array.size} values{expected} for `{name}`, found shape {values.shape}")
    flat = values.ravel()
    if not np.isfinite(flat).all():
        wrong = int(np.argmin(np.isfinite(flat)))
        raise ValueError(f"`{names[array.start + wrong]}` is {flat[wrong]}: it must be finite")
    return dict(zip(names[array.start : array.stop], flat.tolist(), strict=True))


def _by_array(
    given: Mapping[Any, Any], name: str, names: Sequence[str], arrays: Mapping[str, Array]
) -> dict[str, float]:
    require_arrays(given, name, arrays)
    result: dict[str, float] = {}
    for key, values in given.items():
        result.update(elements(values, f"{name}.{key}", names, arrays))
    return result


def require_arrays(given: Iterable[Any], name: str, arrays: Mapping[str, Array]) -> None:
    """Refuse other arrays than those under a name.

    Raises:
        ValueError: some are missing or unknown.
    """
    expected = {one for one in arrays if one.startswith(f"{name}.") and arrays[one].shape is not None}
    found = {f"{name}.{key}" for key in given}
    if found != expected:
        missing, unknown = sorted(expected - found), sorted(found - expected)
        told = [f"missing {', '.join(missing)}"] if missing else []
        told += [f"unknown {', '.join(unknown)}"] if unknown else []
        raise ValueError(f"`{name}` has other arrays: {'; '.join(told)}")


def _numbers(given: Any, name: str) -> np.ndarray:
    if hasattr(given, "detach"):  # a torch tensor
        given = given.detach().cpu().numpy()
    try:
        values = np.asarray(given)
    except (TypeError, ValueError):
        raise TypeError(f"values of `{name}` must be an array of numbers, found {given!r}") from None
    if values.dtype.kind not in "fiu":
        raise TypeError(f"values of `{name}` must be real numbers, found {type(given).__name__}")
    return values.astype(float, copy=False)
