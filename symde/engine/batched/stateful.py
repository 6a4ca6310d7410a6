"""Modules that give something else when called again."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


def refuse_stateful(modules: Iterable[torch.nn.Module]) -> None:
    """Refuse dropout and batch normalisation in training mode: a step that is done again would be another.

    Raises:
        ValueError: there is one.
    """
    for module in modules:
        for name, part in module.named_modules():
            if part.training and _differs(part):
                where = f"'{name}'" if name else "itself"
                raise ValueError(
                    f"{type(part).__name__} {where} is in training mode: evaluated again, it gives another "
                    f"value, so the solve has no gradient. Call .eval() on it, or take it out of the "
                    f"right-hand side (LayerNorm is a batch normalisation without memory)"
                )


def _differs(part: torch.nn.Module) -> bool:
    if isinstance(part, _DropoutNd):
        return part.p > 0.0
    return isinstance(part, _BatchNorm)
