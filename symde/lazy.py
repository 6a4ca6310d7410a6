"""Names of a package that are imported when first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


def import_on_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """What a package's `__getattr__` is to be.

    A name stays what it is called for: importing the module of that name, which a package `symde` with a
    function `solve` in a module `symde.solve` does, would put the module in the function's place.

    Args:
        package: The package's name.
        homes: The module of each name.
    """
    module = sys.modules[package]
    module.__class__ = type("Package", (_Package,), {"_homes": homes})

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(module, name, value)
        return value

    return find


def optional(package: str, extra: str) -> ModuleType:
    """A package that symde does without, which comes with one of its extras.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ImportError(f"this needs {package}: pip install 'symde[{extra}]'") from None


def import_with_torch(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The same for names that are made of torch.

    The function raises ImportError with what to install where torch is missing.
    """
    plain = import_on_use(package, homes)

    def find(name: str) -> Any:
        try:
            return plain(name)
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ImportError(f"{package} needs torch: pip install 'symde[torch]'", name="torch") from error

    return find


class _Package(ModuleType):
    _homes: Mapping[str, str] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in self._homes and isinstance(value, ModuleType)):
            super().__setattr__(name, value)
