"""What systems have in common whose solutions are paths: no right-hand side of an ordinary equation."""

from __future__ import annotations

from typing import Any, ClassVar, Never


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
