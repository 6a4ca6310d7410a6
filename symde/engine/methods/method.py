"""What all methods have in common, whatever their family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Method(Protocol):
    """A method as users see it; its numbers belong to its family.

    Attributes:
        family: names the step function that reads the numbers.
        kind: what sort of method it is, in the field's words, for tables.
        stability: of decaying solutions, in words: "L-stable", or up to where on the negative real axis.
        variable_order: whether it chooses its order step by step, up to `order`.
        name: what to ask for.
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with; None where steps are fixed.
        interpolant_order: q where the continuous solution from an exact start is off by h^(q+1).
        adaptive: whether an error estimate can choose the steps.
        stages: of a step, without those of the interpolant.
        when_to_use: one sentence.
        citation: authors, title, journal, year and doi.
        exact: the numbers as published, without rounding, by the name of their attribute.
    """

    @property
    def family(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def stability(self) -> str: ...
    @property
    def variable_order(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def order(self) -> int: ...
    @property
    def embedded_order(self) -> int | None: ...
    @property
    def interpolant_order(self) -> int: ...
    @property
    def adaptive(self) -> bool: ...
    @property
    def stages(self) -> int: ...
    @property
    def when_to_use(self) -> str: ...
    @property
    def citation(self) -> str: ...
    @property
    def exact(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Described:
    """What a method says of itself; it is shown by its name, as its numbers would fill the screen.

    Attributes:
        name: what to ask for.
        citation: what to cite.
        when_to_use: one sentence.
        source: where the numbers are found.
    """

    name: str
    citation: str
    when_to_use: str
    source: str

    def __repr__(self) -> str:
        return f"<Method {self.name}>"
