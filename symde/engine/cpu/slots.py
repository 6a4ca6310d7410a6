"""Methods as the compiled loop reads them: a `Slot` with addresses, numbers and exponents."""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from typing import Any

from symde.engine.cpu import families, layout
from symde.engine.cpu.family import Family
from symde.engine.cpu.library import function_address


@dataclass(frozen=True, slots=True, eq=False)
class PackedMethod:
    """A method ready for the loop; `kept` holds what its addresses point into."""

    method: Any
    family: Family
    slot: Any
    stages: int
    degree: int
    kept: tuple[Any, ...]
    interpolant: Any

    @property
    def implicit(self) -> bool:
        """Whether it solves linear systems."""
        return self.family.implicit


@functools.lru_cache(maxsize=256)
def packed(method: Any) -> PackedMethod:
    """The slot of a method; compiles its family's functions where the cache has none."""
    family = families.get(method.family)
    numbers = family.pack(method)
    lower_order = method.order if method.embedded_order is None else min(method.order, method.embedded_order)
    exponent = 1.0 / (lower_order + 1)
    slot = layout.Slot(
        attempt=function_address(family.module, "attempt"),
        interpolate=function_address(family.module, "interpolate"),
        control=function_address(family.module, "control") if family.controls else 0,
        data=ctypes.addressof(numbers.data),
        degree=numbers.degree,
        fsal=int(getattr(method, "fsal", False)),
        fixed=int(not method.adaptive),
        implicit=int(family.implicit),
        searched=int(family.long_steps),
        multistep=int(family.multistep),
        order=float(getattr(method, "starting_order", method.order)),
        alpha=family.present * exponent,
        beta=family.previous * exponent,
        gamma=exponent,
        stability=float(
            getattr(method, "oscillation_stability", None) or getattr(method, "real_stability", 0.0)
        ),
    )
    kept = (numbers.data, *numbers.kept)
    return PackedMethod(method, family, slot, numbers.stages, numbers.degree, kept, numbers.interpolant)


def changed_memory(packed: PackedMethod, n: int, padded: int) -> tuple[tuple[int, int], ...]:
    """First place and length of the pieces of its memory that a method's step changes."""
    family, method = packed.family, packed.method
    undone = family.undone(method, n, padded)
    return ((0, family.memory(method, n, padded)),) if undone is None else undone
