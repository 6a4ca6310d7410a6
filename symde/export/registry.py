"""The targets there are, by name. Each is imported when it is first asked for."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from symde.diagnostics import suggest
from symde.export.target import Target

TARGETS: dict[str, str] = {
    "c": "symde.export.c:TARGET",
    "latex": "symde.export.latex:TARGET",
    "llvm": "symde.export.llvm:TARGET",
    "numba": "symde.export.numba:TARGET",
    "numpy": "symde.export.numpy:TARGET",
    "torch": "symde.export.torch:TARGET",
}
"""Name -> where the target lies, as `module:attribute`."""

GROUP = "symde.targets"
"""Entry point group in which other packages announce targets, under the target's name."""

_registered: dict[str, str] = {}


def register(name: str, place: str) -> None:
    """Makes a target known in this process.

    Args:
        name: What `export(model, target=name)` shall call it.
        place: Where it lies, as `package.module:ATTRIBUTE`; imported when first used.

    Raises:
        ValueError: There is another target of that name, or `place` is not of that form.
    """
    module, _, attribute = place.partition(":")
    if not module or not attribute.isidentifier():
        raise ValueError(f"a target's place is `package.module:ATTRIBUTE`, got {place!r}")
    if _places().get(name, place) != place:
        raise ValueError(f"there is a target {name!r} already, at {_places()[name]}")
    _registered[name] = place


def target_names() -> tuple[str, ...]:
    """The names of all targets, sorted."""
    return tuple(sorted(_places()))


def find_target(name: str) -> Target:
    """The target of a name, in any case.

    Raises:
        ValueError: There is none of that name.
        TypeError: What lies there is no target.
    """
    places = _places()
    key = str(name).lower() if str(name) not in places else str(name)
    if key not in places:
        nearest = suggest(key, places)
        guess = f"; did you mean {nearest!r}?" if nearest else "."
        raise ValueError(f"no export target {name!r}{guess} There are: {', '.join(sorted(places))}")
    module, _, attribute = places[key].partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if not isinstance(target, Target):
        raise TypeError(f"{places[key]} is no export target: see symde.export.target.Target")
    return target


def _places() -> dict[str, str]:
    announced = {point.name: point.value for point in entry_points(group=GROUP)}
    return {**announced, **_registered, **TARGETS}
