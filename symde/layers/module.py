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

import numpy as np
import torch

from symde.codegen.torch_printer import torch_source
from symde.model.definition import Definition
from symde.problem.system import System, refuse_delays

_modules: weakref.WeakKeyDictionary[Any, torch.nn.Module] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def module_of(system: System) -> torch.nn.Module:
    """The right-hand side of a model as a module of (t, u, p), with its Jacobian.

    Args:
        system: A problem's system.

    Returns:
        The module: u of shape (n, B), p (m, B) or (m, 1), t (B,); see `symde.codegen.torch_printer`. The same
        object each time. It holds the modules that the model calls, and has no other state.

    Raises:
        ValueError: the model is a Python function that could not be traced, or has what the torch engine has
            not.
    """
    refuse_delays(system, "the torch engine")
    definition = getattr(system, "definition", None)
    if definition is None:
        raise ValueError(
            "the torch engine needs the model's equations, and this function could not be traced: write it "
            "with arithmetic and numpy functions alone, as a model text, or as a torch module for "
            "symde.engine.batched.integrate"
        )
    if definition.mass is not None or any(one.projected for one in definition.invariants):
        raise ValueError(
            "the torch engine has no equations without a derivative, no mass matrices and no projections: "
            "solve with backend='cpu', the default"
        )
    with _lock:
        found = _modules.get(system)
        if found is None:
            found = _modules[system] = printed(definition)
        return found


def printed(definition: Definition) -> torch.nn.Module:
    """A model's printed module, which holds the modules that the model calls."""
    functions: list[Any] = [one.module for one in definition.externs if one.layers is None]
    return _brought_to_life(torch_source(definition), functions)


def has_modules(system: Any) -> bool:
    """Whether a system calls torch modules."""
    return bool(modules_of(system))


def modules_of(system: Any) -> list[torch.nn.Module]:
    """The torch modules that a system calls, in the order of the model."""
    definition = getattr(system, "definition", None)
    return [] if definition is None else [one.module for one in definition.externs if one.module is not None]


def require_type(system: Any, dtype: torch.dtype) -> None:
    """Refuse states of another type than the weights of the modules that a model calls.

    Raises:
        TypeError: they are of another type.
    """
    for one in system.definition.externs:
        for weight in () if one.module is None else one.module.parameters():
            if weight.is_floating_point() and weight.dtype != dtype:
                states, weights = (str(kind).removeprefix("torch.") for kind in (dtype, weight.dtype))
                remedy = "double()" if dtype == torch.float64 else "float()"
                raise TypeError(
                    f"`{one.name}` is bound to a module with {weights} weights, and the states are {states}: "
                    f"write module.{remedy}"
                )


def home_of(rhs: torch.nn.Module) -> torch.device:
    """Where the weights of a right-hand side are."""
    return next((one.device for one in rhs.parameters()), torch.device("cpu"))


@torch.no_grad()
def observed(system: Any, t: np.ndarray, u: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Observed quantities of a model that calls modules, shape (n_times, n_observables); p of shape (m,), or
    (m, n_times) where it changes."""
    rhs: Any = module_of(system)
    p = p.reshape(len(p), -1)
    given = (torch.tensor(one, dtype=torch.float64, device=home_of(rhs)) for one in (t, u.T, p))
    return rhs.observables(*given).T.cpu().numpy()


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


def _brought_to_life(text: str, functions: list[torch.nn.Module]) -> torch.nn.Module:
    return run_printed(text).RightHandSide(*functions)


def run_printed(text: str) -> Any:
    """A printed text as a Python module."""
    name = f"symde_printed_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    loader = _Printed(text)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # torch's compiler looks for the globals of a function there
    loader.exec_module(module)
    return module
