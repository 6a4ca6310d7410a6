"""States of any shape, alone or several in a tuple, as one vector of real numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

REAL = {
    torch.float64: torch.float64,
    torch.float32: torch.float32,
    torch.complex128: torch.float64,
    torch.complex64: torch.float32,
}
"""The type of the parts of each type of states."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How states lie in a vector.

    Attributes:
        shapes: Of the tensors, in their order.
        dtype: Of all of them.
        several: Whether they come in a tuple.
    """

    shapes: tuple[torch.Size, ...]
    dtype: torch.dtype
    several: bool

    @classmethod
    def of(cls, y0: Any) -> Layout:
        """The layout of initial states.

        Raises:
            TypeError, ValueError: they are neither a tensor nor a tuple of tensors of one type and device.
        """
        several = isinstance(y0, (tuple, list))
        parts = tuple(y0) if several else (y0,)
        if not parts or not all(isinstance(one, Tensor) for one in parts):
            raise TypeError(f"y0 must be a tensor or a tuple of tensors, found {_kinds(y0)}")
        types, devices = {one.dtype for one in parts}, {one.device for one in parts}
        if len(types) > 1 or len(devices) > 1:
            raise TypeError(
                f"the tensors of y0 must be of one type and on one device, found {_kinds(y0)} of "
                f"{', '.join(map(str, [*types, *devices]))}"
            )
        if parts[0].dtype not in REAL:
            raise TypeError(
                f"y0 must be float32, float64, complex64 or complex128, found {parts[0].dtype}: write "
                "y0.float()"
            )
        return cls(tuple(one.shape for one in parts), parts[0].dtype, several)

    @property
    def real(self) -> torch.dtype:
        """The type of the vector, of times as func sees them, and of norms."""
        return REAL[self.dtype]

    @property
    def complex(self) -> bool:
        """Whether each number takes two places."""
        return self.dtype.is_complex

    @property
    def sizes(self) -> list[int]:
        """Places of each tensor."""
        return [shape.numel() * (2 if self.complex else 1) for shape in self.shapes]

    def parts(self, y: Any) -> tuple[Tensor, ...]:
        """The tensors of states."""
        return tuple(y) if self.several else (y,)

    def flat(self, y: Any) -> Tensor:
        """The vector of states."""
        parts = self.parts(y)
        if self.complex:
            parts = tuple(torch.view_as_real(one.resolve_conj()) for one in parts)
        flat = [one.reshape(-1) for one in parts]
        return torch.cat(flat) if len(flat) > 1 else flat[0]

    def shaped(self, flat: Tensor) -> Any:
        """The states of vectors (..., n): a tensor or a tuple, each (..., *shape)."""
        pieces = torch.split(flat, self.sizes, -1) if len(self.shapes) > 1 else (flat,)
        lead = flat.shape[:-1]
        if self.complex:
            shaped = tuple(
                torch.view_as_complex(piece.reshape((*lead, *shape, 2)).contiguous())
                for piece, shape in zip(pieces, self.shapes, strict=True)
            )
        else:
            shaped = tuple(
                piece.reshape((*lead, *shape)) for piece, shape in zip(pieces, self.shapes, strict=True)
            )
        return shaped if self.several else shaped[0]

    def flat_slopes(self, f: Any) -> Tensor:
        """The vector of what func gave.

        Raises:
            TypeError, ValueError: it is not like the states.
        """
        if self.several != isinstance(f, (tuple, list)):
            wanted = f"a tuple of {len(self.shapes)} tensors" if self.several else "a tensor"
            raise TypeError(f"func must give {wanted}, as y0 is one; found {_kinds(f)}")
        parts = self.parts(f)
        shapes = tuple(one.shape for one in parts)
        if shapes != self.shapes:
            raise ValueError(
                f"func gives shape {_shapes(shapes)} for states of shape {_shapes(self.shapes)}: it must "
                "give one slope for each"
            )
        return self.flat(tuple(one.to(self.dtype) for one in parts) if self.several else f.to(self.dtype))

    def tolerance(self, given: Any, name: str) -> float | Tensor:
        """A tolerance as a number, or as one for each place.

        Args:
            given: A number, a tensor that goes with y0, or a list with one of these for each tensor of y0.
            name: Of the argument.

        Raises:
            ValueError: it goes with neither.
        """
        if isinstance(given, Tensor) and given.requires_grad:
            raise ValueError(f"{name} cannot be differentiated by: write {name}.detach()")
        if isinstance(given, Sequence) or (isinstance(given, Tensor) and given.ndim and self.several):
            if not self.several or len(given) != len(self.shapes):
                raise ValueError(
                    f"{name} has {len(given)} entries: one for each tensor is for a tuple y0 of as many"
                )
            return torch.cat([self._spread(one, k, name) for k, one in enumerate(given)])
        one = torch.as_tensor(given, dtype=torch.float64)
        return self._spread(one, 0, name) if one.ndim else float(one)

    def _spread(self, given: Any, k: int, name: str) -> Tensor:
        one, shape = torch.as_tensor(given, dtype=torch.float64), self.shapes[k]
        try:
            full = one.expand(shape).reshape(-1)
        except RuntimeError:
            raise ValueError(
                f"{name} of shape {tuple(one.shape)} does not go with a state of shape {tuple(shape)}"
            ) from None
        return full.repeat_interleave(2) if self.complex else full


def _kinds(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__} of {', '.join(type(one).__name__ for one in value) or 'nothing'}"
    return type(value).__name__


def _shapes(shapes: Sequence[torch.Size]) -> str:
    return " and ".join(str(tuple(one)) for one in shapes)
