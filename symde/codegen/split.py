"""The kernels of a split model: its parts for additive methods, beside the whole for everything else."""

from __future__ import annotations

from typing import Any

import numpy as np

_OF_THE_WHOLE = ("rhs", "jacobian_vector")


class SplitKernels:
    """Kernels by name as of a whole model, but those of Newton's matrix are the stiff part's.

    `rhs_jacobian` and the factorisation belong to the stiff part, with its own sparsity; `stiff` and
    `nonstiff` are the parts of `rhs`.
    """

    def __init__(self, whole: Any, stiff: Any, nonstiff: Any) -> None:
        self.whole, self.stiff, self.nonstiff = whole, stiff, nonstiff
        self.n: int = whole.n
        self.m: int = whole.m
        self.blocks = getattr(whole, "blocks", ((0, self.n, 1),))

    @property
    def pattern(self) -> tuple[np.ndarray, np.ndarray]:
        """Row pointers and columns of the stiff part's Jacobian."""
        return self.stiff.pattern

    @property
    def lu_length(self) -> int:
        """Length of the vector `lu` of the stiff part's generated factorisation; 0 where there is none."""
        return self.stiff.lu_length

    def address(self, name: str) -> int:
        """The address of a kernel."""
        if name == "nonstiff":
            return self.nonstiff.address("rhs")
        if name == "stiff":
            return self.stiff.address("rhs")
        return (self.whole if name in _OF_THE_WHOLE else self.stiff).address(name)
