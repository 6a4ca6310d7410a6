"""How large a text may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what is read; beyond them is a clear error, never a crash.

    Attributes:
        characters: length of a text.
        nesting: depth of brackets, and of signs, powers, `not` and conditionals inside each other. Sums and
            products of any length are no nesting.
        errors: how many mistakes are reported before reading stops.
    """

    characters: int = 8_000_000
    nesting: int = 200
    errors: int = 100

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"Limits.{name} is a positive whole number, not {value!r}")
