"""The syntax tree of reactions and jumps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symde.diagnostics import Span

if TYPE_CHECKING:
    from symde.language.syntax import Expr, Name


@dataclass(frozen=True, slots=True)
class Term:
    """`2A` on a side of a reaction: a species and how many of it."""

    count: int
    species: Name
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ReactionStatement:
    """`k, A + 2B --> C`, `(kf, kr), A <--> B`, `rate, A => B`.

    Attributes:
        rates: one, or two where the arrow points both ways.
        arrow: `-->` and `<-->` for mass action, `=>` and `<=>` for whole rate laws.
        reactants, products: the sides; empty for `0`.
    """

    rates: tuple[Expr, ...]
    arrow: str
    reactants: tuple[Term, ...]
    products: tuple[Term, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Change:
    """`S -= 1`, `x = e` in a jump; `operator` is `=`, `+=`, `-=`, `*=` or `/=`."""

    target: Name
    operator: str
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class JumpStatement:
    """`jump rate: S -= 1, I += 1`."""

    rate: Expr
    changes: tuple[Change, ...]
    span: Span | None = field(default=None, compare=False)
