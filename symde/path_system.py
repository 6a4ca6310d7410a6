"""What systems have in common whose solutions are paths: no right-hand side of an ordinary equation."""

from __future__ import annotations

from typing import Any, ClassVar, Never

import numpy as np

from symde.engine.cpu.jump_layout import LARGEST_COUNT


class PathSystem:
    """A system that draws random numbers, without the right-hand side of an ordinary equation."""

    compiled = True
    delays = split = False
    past_observables: frozenset[str] = frozenset()

    unread: ClassVar[str]
    """What is said where something reads its right-hand side."""

    solver: ClassVar[str]
    """The module that follows its paths, by `from_solve`."""

    members: ClassVar[str]
    """The module that follows those of ensembles, by `work_of`."""

    def take_error(self) -> None:
        """Compiled kernels raise nothing."""

    @property
    def kernels(self) -> Never:
        """What ordinary differential equations have.

        Raises:
            ValueError: always.
        """
        raise ValueError(self.unread)

    traits = adjoint_kernels = start_derivatives = kernels

    def equation(self, index: int) -> Any:
        """A state has no ordinary equation."""
        return self.kernels

    slope = non_finite = equation


def refuse_counts(names: tuple[str, ...], u0: np.ndarray, whole: np.ndarray, counted: np.ndarray) -> None:
    """Refuse initial states that count nothing.

    Args:
        names: Of the states.
        u0: Their values, shape (n,) or (members, n).
        whole, counted: Which must be whole numbers, and which numbers of molecules.

    Raises:
        ValueError: one is no whole number, or a number of molecules is negative.
    """
    finite = np.isfinite(u0)  # what is not, the problem refuses itself
    broken = finite & ((u0 != np.round(u0)) | (np.abs(u0) >= LARGEST_COUNT)) & whole
    if broken.any():
        place = tuple(np.argwhere(broken)[0])
        raise ValueError(
            f"state `{names[place[-1]]}` starts at {u0.item(place)!r}: a jump process counts in whole "
            "numbers below 2**53"
        )
    negative = finite & (u0 < 0) & counted
    if negative.any():
        place = tuple(np.argwhere(negative)[0])
        raise ValueError(
            f"species `{names[place[-1]]}` starts at {u0[place]:g}: there cannot be fewer than none"
        )
