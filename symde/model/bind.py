"""Models with functions from outside bound to networks and modules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from symde.diagnostics import suggest
from symde.language.syntax import Expr, Negate, Number
from symde.model.definition import Definition, Extern, Parameter
from symde.model.network import Network, element_names


def bound(definition: Definition, bindings: Mapping[str, Any]) -> Definition:
    """The model with functions from outside bound.

    Args:
        definition: The model.
        bindings: Name of each function -> a `Network`, whose weights become parameters after the model's own,
            or a torch module. What was bound to it before is replaced.

    Raises:
        ValueError: there is no such function, or the sizes differ. TypeError: neither network nor module.
    """
    names = [one.name for one in definition.externs]
    for name in bindings:
        if name not in names:
            raise ValueError(_unknown(name, names))
    externs: list[Extern] = []
    weights: list[Parameter] = []
    known = {one.name: one for one in definition.parameters}
    own = [one for one in definition.parameters if "." not in one.name]
    for one in definition.externs:
        if one.name in bindings:
            one, values = _bound(one, bindings[one.name])
            weights += values
        else:
            weights += [known[name] for name in element_names(one)]
        externs.append(one)
    return dataclasses.replace(definition, externs=tuple(externs), parameters=(*own, *weights))


def _bound(extern: Extern, function: Any) -> tuple[Extern, list[Parameter]]:
    if isinstance(function, Network):
        layers = function.plan()
        found = layers[0].inputs, layers[-1].outputs
        expected = len(extern.parameters), extern.outputs
        if found != expected:
            raise ValueError(
                f"`{extern.name}` reads {expected[0]} and gives {expected[1]} values, and the network reads "
                f"{found[0]} and gives {found[1]}"
            )
        new = dataclasses.replace(extern, layers=layers, module=None)
        values = function.vector().tolist()
        names = element_names(new)
        return new, [Parameter(name, _number(value)) for name, value in zip(names, values, strict=True)]
    if is_module(function):
        return dataclasses.replace(extern, layers=None, module=function), []
    raise TypeError(
        f"`{extern.name}` is bound to a symde.Network or a torch.nn.Module, found {type(function).__name__}"
    )


def is_module(function: Any) -> bool:
    """Whether something is a torch module, told without torch."""
    return callable(function) and all(hasattr(function, name) for name in ("state_dict", "named_parameters"))


def _unknown(name: str, names: list[str]) -> str:
    if not names:
        return f"cannot bind `{name}`: the model declares no function from outside (`extern {name}(x) -> 1`)"
    near = suggest(name, names)
    hint = f"; did you mean `{near}`?" if near else f"; the model has {', '.join(names)}"
    return f"cannot bind `{name}`{hint}"


def _number(value: float) -> Expr:
    magnitude = Number(abs(value), repr(abs(value)), span=None)
    return Negate(magnitude, span=None) if value < 0 else magnitude
