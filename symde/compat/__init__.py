"""torchdiffeq's functions on symde's engine: `from symde.compat import odeint, odeint_adjoint, odeint_event`.

Torch is imported with the first name that is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symde.lazy import import_with_torch

if TYPE_CHECKING:
    from symde.compat.odeint import odeint, odeint_adjoint, odeint_event

__all__ = ["odeint", "odeint_adjoint", "odeint_event"]


__getattr__ = import_with_torch(__name__, dict.fromkeys(__all__, "symde.compat.odeint"))


def __dir__() -> list[str]:
    return __all__
