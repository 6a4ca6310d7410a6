"""A model as a torch module: its printed source, brought to life once."""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.util
import linecache
import sys
import threading
import weakref
from types import CodeType
from typing import Any

import torch

from symde.codegen.torch_printer import torch_source
from symde.problem.system import System

_modules: weakref.WeakKeyDictionary[Any, torch.nn.Module] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def module_of(system: System) -> torch.nn.Module:
    """The right-hand side of a model as a module of (t, u, p), with its Jacobian.

    Args:
        system: A problem's system.

    Returns:
        The module: u of shape (n, B), p (m, B) or (m, 1), t (B,); see `symde.codegen.torch_printer`. The same
        object each time; it has no state.

    Raises:
        ValueError: the model is a Python function that could not be traced.
    """
    definition = getattr(system, "definition", None)
    if definition is None:
        raise ValueError(
            "the torch engine needs the model's equations, and this function could not be traced: write it "
            "with arithmetic and numpy functions alone, as a model text, or as a torch module for "
            "symde.engine.batched.integrate"
        )
    with _lock:
        found = _modules.get(system)
        if found is None:
            found = _modules[system] = _brought_to_life(torch_source(definition))
        return found


class _Printed(importlib.abc.InspectLoader):
    """Lets Python's own import machinery run printed source, which holds nothing of the modeller's but names
    made plain and comments on one line each."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_source(self, fullname: str) -> str:
        """The source, for tracebacks too."""
        return self._text

    def get_code(self, fullname: str) -> CodeType:
        """The source compiled, with the name by which `linecache` knows it."""
        name = f"<{fullname}>"
        linecache.cache[name] = len(self._text), None, self._text.splitlines(keepends=True), name
        return self.source_to_code(self._text, name)


def _brought_to_life(text: str) -> torch.nn.Module:
    name = f"symde_printed_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    loader = _Printed(text)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # torch's compiler looks for the globals of a function there
    loader.exec_module(module)
    return module.RightHandSide().train(False)
