"""torchdiffeq's functions on symde's engine: `from symde.compat import odeint, odeint_adjoint`.

Torch is imported with the first name that is used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symde.compat.odeint import odeint, odeint_adjoint

__all__ = ["odeint", "odeint_adjoint"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'symde.compat' has no attribute {name!r}")
    try:
        module = importlib.import_module("symde.compat.odeint")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError("symde.compat needs torch: pip install 'symde[torch]'", name="torch") from error
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """Keeps `symde.compat.odeint` the function: importing the module of that name would put the module in its
    place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
