"""`DiffEqLayer`: a solve as a torch module, with parameters and initial values that it learns or is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from symde.layers.diffeq import diffeq
from symde.layers.module import modules_of
from symde.layers.named_values import NamedValues
from symde.problem.problem import Problem
from symde.problem.values import unknown_name

LEARNABLE, INCOMING, FIXED = "learnable", "incoming", "fixed"


class DiffEqLayer(nn.Module):
    """A solve as a module.

        layer = DiffEqLayer(problem, "Tsit5", saveat=0.1)     # learns all parameters
        u = layer()                                           # (n_times, n)
        layer.p["a"]                                          # an nn.Parameter; in state_dict as "p.a"

        nn.Sequential(nn.Linear(784, 32), DiffEqLayer(problem, p="incoming", saveat=0.1), nn.Flatten())

    What comes in is given to `forward` by position, p before u0. Learnable values start from the problem's.

    Args:
        problem: The model, and all numbers that are neither learnt nor come in.
        method: As in `symde.solve`.
        p: "learnable" for all parameters, names of those that are (a name or a list), "incoming" for all from
            the layer before, or "fixed".
        u0: "fixed" (default), "incoming", "learnable" for all initial values, or names of states.
        dtype: Type of the learnable values. Default: torch's.
        options: tspan, saveat, sensealg, rtol, atol, ... as in `diffeq`.

    Attributes:
        p, u0: The learnable values by name (`NamedValues`), or None.
        functions: The torch modules that the model calls, whose weights are the layer's too.

    Raises:
        ValueError, TypeError: a name is unknown, or an option is not what it should be.
    """

    def __init__(
        self,
        problem: Problem,
        method: Any = None,
        *,
        p: str | Sequence[str] = LEARNABLE,
        u0: str | Sequence[str] = FIXED,
        dtype: torch.dtype | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if not isinstance(problem, Problem):
            raise TypeError(
                f"expected a symde.Problem, found {type(problem).__name__}: write symde.Problem(model, ...)"
            )
        if unknown := options.keys() - (diffeq.__kwdefaults__ or {}).keys():
            known = ", ".join(diffeq.__kwdefaults__ or {})
            raise TypeError(f"DiffEqLayer has no option `{min(unknown)}`: there are {known}")
        self.problem, self.method, self.options = problem, method, options
        self.functions = nn.ModuleList(modules_of(problem.system))
        system, dtype = problem.system, dtype or torch.get_default_dtype()
        self.p = self._values(p, system.parameter_names, problem.p, "parameter", dtype)
        self.u0 = self._values(u0, system.state_names, problem.u0, "state", dtype)
        self._coming = p == INCOMING, u0 == INCOMING

    @staticmethod
    def _values(
        wish: str | Sequence[str], names: Sequence[str], values: Any, kind: str, dtype: torch.dtype
    ) -> NamedValues | None:
        if isinstance(wish, str) and wish in (INCOMING, FIXED):
            return None
        chosen = names if wish == LEARNABLE else (wish,) if isinstance(wish, str) else tuple(wish)
        for name in chosen:
            if name not in names:
                raise unknown_name(str(name), kind, (*names, LEARNABLE, INCOMING, FIXED))
        if not chosen:
            return None
        return NamedValues({name: float(values[names.index(name)]) for name in chosen}, dtype)

    def forward(self, *incoming: Tensor) -> Tensor:
        """The saved states, (n_times, n), or (batch, n_times, n) where what comes in is a batch.

        Args:
            incoming: p, u0, or both in this order, as the layer was made.
        """
        count = sum(self._coming)
        if len(incoming) != count:
            what = " and ".join(name for name, comes in zip(("p", "u0"), self._coming, strict=True) if comes)
            raise TypeError(f"this layer takes {what or 'nothing'}, found {len(incoming)} arguments")
        names = self.problem.system
        p = incoming[0] if self._coming[0] else _given(self.p, names.parameter_names)
        u0 = incoming[-1] if self._coming[1] else self._initial(p)
        return diffeq(p, self.problem, self.method, u0=u0, **self.options)

    def _initial(self, p: Any) -> Tensor | None:
        """The learnt initial state; values that are not learnt are the problem's."""
        if self.u0 is None:
            return None
        names = self.problem.system.state_names
        given = self.u0.by_name()
        if len(given) == len(names):
            return torch.stack([given[name] for name in names])
        like = next(iter(given.values()))
        own = torch.tensor(self.problem.u0, dtype=like.dtype, device=like.device)
        return torch.stack([given.get(name, own[i]) for i, name in enumerate(names)])

    def extra_repr(self) -> str:
        """The problem and what differs from the defaults."""
        parts = [repr(self.problem)]
        parts += [
            f"{name}='incoming'" for name, comes in zip(("p", "u0"), self._coming, strict=True) if comes
        ]
        if self.method is not None:
            parts.append(f"method={self.method!r}")
        return ", ".join([*parts, *(f"{name}={value!r}" for name, value in self.options.items())])


def _given(values: NamedValues | None, names: Sequence[str]) -> Any:
    """Parameters as `diffeq` takes them: all in order where all are learnt, else by name."""
    if values is None:
        return None
    return values.in_order() if values.names == tuple(names) else values.by_name()
