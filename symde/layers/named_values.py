"""Learnable numbers with the names they have in a model."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

_INDEXED = re.compile(r"(.+)\[(\d+(?:,\d+)*)\]")


class NamedValues(nn.Module):
    """Numbers by name, each an `nn.Parameter`; elements `w[0,1]` of an array together are one.

    In a state_dict each has its own name; dots in names are levels of modules, as everywhere in torch.

    Args:
        values: Numbers by name.
        dtype: Their type.

    Attributes:
        names: The names, in their order.
    """

    def __init__(self, values: Mapping[str, float], dtype: torch.dtype) -> None:
        super().__init__()
        self.names = tuple(values)
        self._places: dict[str, tuple[str, tuple[int, ...]]] = {}
        arrays: dict[str, dict[tuple[int, ...], float]] = {}
        for name, value in values.items():
            match = _INDEXED.fullmatch(name)
            base = match[1] if match else name
            index = tuple(map(int, match[2].split(","))) if match else ()
            self._places[name] = base, index
            arrays.setdefault(base, {})[index] = value
        for base in [base for base, elements in arrays.items() if not _is_array(elements)]:
            for index, value in arrays.pop(base).items():  # some elements of an array: each by itself
                name = f"{base}[{','.join(map(str, index))}]" if index else base
                self._places[name] = name, ()
                arrays[name] = {(): value}
        self._bases = tuple(arrays)
        for base, elements in arrays.items():
            shape = tuple(1 + max(column) for column in zip(*elements, strict=True))
            array = torch.empty(shape, dtype=dtype)
            for index, value in elements.items():
                array[index] = value
            *levels, last = base.split(".")
            module: nn.Module = self
            for level in levels:
                module = module._modules.setdefault(level, nn.Module())  # type: ignore[assignment]
            # a name of the model may be that of a module's method, which is no harm here
            module._parameters[last] = nn.Parameter(array)
        plain = [(base, index) for base, elements in arrays.items() for index in sorted(elements)]
        self._flat = [self._places[name] for name in self.names] == plain

    def __getitem__(self, name: str) -> Tensor:
        """The value of a name, or a whole array."""
        base, index = self._places.get(name, (name, ()))
        *levels, last = base.split(".")
        module: nn.Module = self
        for level in levels:
            module = module._modules.get(level) or nn.Module()
        found = module._parameters.get(last)
        if found is None and parametrize.is_parametrized(module, last):
            found = getattr(module, last)
        if found is None:
            raise KeyError(f"{name!r} is not learnt: there are {', '.join(self.names)}")
        return found[index] if index else found

    def by_name(self) -> dict[str, Tensor]:
        """All numbers, each a tensor without axes."""
        return {name: self[name] for name in self.names}

    def in_order(self) -> Tensor:
        """All numbers as one tensor, in their order."""
        if self._flat:
            return torch.cat([self[base].reshape(-1) for base in self._bases])
        return torch.stack([self[name] for name in self.names])


def _is_array(elements: Mapping[tuple[int, ...], float]) -> bool:
    """Whether these indices are all those of an array."""
    if len({len(index) for index in elements}) != 1:
        return False
    count = 1
    for column in zip(*elements, strict=True):
        count *= 1 + max(column)
    return len(elements) == count
