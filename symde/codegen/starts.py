"""What models say of parameters, initial states and time spans, kept for models that are in use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from symde.codegen.start import ModelStart
from symde.model.definition import Definition

_STARTS_KEPT = 64
_starts: OrderedDict[int, tuple[Definition, ModelStart]] = OrderedDict()
_starts_lock = threading.Lock()


def model_start(definition: Definition) -> ModelStart:
    """The start of a model; the same object for the same definition object while recently used."""
    # By identity: to hash a definition is to walk all its expressions.
    with _starts_lock:
        known = _starts.get(id(definition))
        if known is not None:
            _starts.move_to_end(id(definition))
            return known[1]
    start = ModelStart(definition)
    with _starts_lock:
        _starts[id(definition)] = definition, start
        if len(_starts) > _STARTS_KEPT:
            _starts.popitem(last=False)
    return start


def evaluate_parameters(definition: Definition, overrides: Mapping[str, float]) -> np.ndarray:
    """All parameters of a model, shape (m,): see `ModelStart.parameters`."""
    return model_start(definition).parameters(overrides)


def evaluate_initial(
    definition: Definition, p: np.ndarray, t0: float, overrides: Mapping[str, float] | None = None
) -> np.ndarray:
    """The initial state of a model, shape (n,): see `ModelStart.initial`."""
    return model_start(definition).initial(p, t0, overrides)


def evaluate_tspan(definition: Definition, p: np.ndarray) -> tuple[float, float] | None:
    """The default time span of a model: see `ModelStart.tspan`."""
    return model_start(definition).tspan(p)
