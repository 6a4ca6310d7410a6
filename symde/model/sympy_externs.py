"""Functions from outside as sympy objects: undefined functions, or the network that is bound to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sympy

from symde.model.definition import Extern, Layer
from symde.model.externs import by_output

SOFTPLUS_LINEAR = 37
"""As in `symde.codegen.networks`, so that both views of a model are the same function."""


class SympyExterns:
    """Makes the values of calls; those of one call share all but the last layer.

    Args:
        externs: The functions.
        symbol: Gives the symbol of a name.
    """

    def __init__(self, externs: Iterable[Extern], symbol: Callable[[str], Any]) -> None:
        self._functions = by_output(externs)
        self._symbol = symbol
        self._values: dict[tuple[str, tuple[Any, ...]], list[Any]] = {}

    def __contains__(self, function: str) -> bool:
        return function in self._functions

    def value(self, function: str, operands: tuple[Any, ...]) -> Any:
        """The value of a call: of a network its sums, else an undefined real function."""
        extern, place = self._functions[function]
        if extern.layers is None:
            return sympy.Function(function, real=True)(*operands)
        key = extern.name, operands
        if key not in self._values:
            values = list(operands)
            for layer in extern.layers:
                values = self._layer(extern, layer, values)
            self._values[key] = values
        return self._values[key][place]

    def _layer(self, extern: Extern, layer: Layer, values: Sequence[Any]) -> list[Any]:
        name, found = f"{extern.name}.{layer.key}", []
        for row in range(layer.outputs):
            terms = [
                self._symbol(f"{name}.weight[{row},{column}]") * value for column, value in enumerate(values)
            ]
            if layer.bias:
                terms.append(self._symbol(f"{name}.bias[{row}]"))
            found.append(_activated(layer.activation, sympy.Add(*terms)))
        return found

    def size(self, function: str) -> int:
        """Operations of a value written as a tree, its arguments left out."""
        extern, _ = self._functions[function]
        size = 1
        for layer in extern.layers or ():
            size = 2 + layer.inputs * (1 + size)
        return size


def _activated(activation: str | None, x: Any) -> Any:
    half = sympy.Rational(1, 2)
    match activation:
        case "tanh":
            return sympy.tanh(x)
        case "relu":
            return sympy.Max(0, x)
        case "sigmoid":
            return half + half * sympy.tanh(half * x)
        case "silu":
            return x * (half + half * sympy.tanh(half * x))
        case "softplus":
            return sympy.Piecewise(
                (x, sympy.Gt(x, SOFTPLUS_LINEAR)), (sympy.log(1 + sympy.exp(x)), True), evaluate=False
            )
    return x
