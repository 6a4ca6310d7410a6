"""The way back past moments at which events took place, for all ways of going back between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.events.moments import Moment
from symde.engine.batched.events.passage import Setting, passed
from symde.engine.batched.events.times import Entry
from symde.engine.batched.forward import Forward
from symde.engine.batched.problem import Batch

Times = tuple[Tensor | None, Tensor | None, Tensor | None]


def moments_back(
    ctx: Any, p: Tensor | None, weights: Sequence[Tensor], wanted: Sequence[bool], grad: Tensor
) -> MomentsBack | None:
    """What goes back past the moments of a recorded solve; None where there are none.

    Args:
        ctx: The context of the torch function, see `symde.engine.batched.recorded`.
        p, weights: Its parameters, and all weights.
        wanted: Which weights are to be differentiated by.
        grad: Derivatives by the saved states.
    """
    happened = ctx.found.happened
    if happened is None or not happened.moments:
        return None
    return MomentsBack(ctx.batch, ctx.found, p, weights, wanted, grad, ctx.logged)


class MomentsBack:
    """Derivatives past the moments of a solve.

    Args:
        batch, found: What was solved.
        p: Its parameters.
        weights, wanted: All weights, and which are to be differentiated by.
        grad: Derivatives of the loss by the saved states, shape (T, n, B).
        logged: By t, before and after of the log.

    """

    def __init__(
        self, batch: Batch, found: Forward, p: Tensor | None, weights: Sequence[Tensor],
        wanted: Sequence[bool], grad: Tensor, logged: Sequence[Tensor],
    ) -> None:  # fmt: skip
        assert found.happened is not None
        self._happened, self._wanted = found.happened, wanted
        self._weights = [one for one, want in zip(weights, wanted, strict=True) if want]
        self._setting = Setting(batch.events, batch.rhs, batch.options)
        self._p, self._t0, self._grad, self._logged = p, batch.t0.detach(), grad, logged
        self._by_p = None if p is None else torch.zeros_like(p)
        self._by_weights = [torch.zeros_like(one) for one in self._weights]
        self._by_t0 = torch.zeros_like(self._t0)
        self._numbers = found.happened.by_attempt()
        self._waiting: dict[Entry, list[Tensor]] = {}

    def added(
        self, by_p: Tensor | None, by_times: Times, by_weights: Sequence[Tensor | None]
    ) -> tuple[Tensor | None, Times, list[Tensor | None]]:
        """Derivatives by parameters, (t0, t1, times) and weights with what the moments add; what is not
        wanted is None and stays so."""
        by_t0, *rest = by_times
        sums = iter(self._by_weights)
        parts = [next(sums) if want else None for want in self._wanted]
        return (
            _sum(by_p, self._by_p),
            (_sum(by_t0, self._by_t0), *rest),  # type: ignore[return-value]
            [_sum(one, part) for one, part in zip(by_weights, parts, strict=True)],
        )

    @property
    def attempts(self) -> list[int]:
        """The attempts behind which there are moments."""
        return list(self._numbers)

    def before(self, attempt: int, adjoint: Tensor) -> Tensor:
        """The derivatives by the states before the moments of an attempt, shape (n, B), from those behind."""
        for number in reversed(self._numbers.get(attempt, ())):
            adjoint = self.past(number, adjoint)
        return adjoint

    def past(self, number: int, adjoint: Tensor, member: Tensor | None = None) -> Tensor:
        """The same of one moment; of some of its members, where they are given."""
        moment = self._happened.moments[number]
        if member is not None:
            moment = moment.restricted(member)
        asked = self._asked(number, moment, adjoint)
        if not bool(asked.any()):
            return adjoint
        # where nothing is asked for, it does not matter whether there is a derivative
        moment = moment.restricted(moment.member[asked])
        seeds = adjoint[:, moment.member] + self._saved(number, moment)
        with torch.enable_grad():
            u = moment.u.detach().requires_grad_()
            p = None if self._p is None else self._p.detach().requires_grad_()
            t0 = self._t0[moment.member].detach().requires_grad_()
            carried = self._carried(moment)
            found = passed(self._setting, moment, u, p, t0, carried)
            outputs, grads = [found.u], [seeds]
            for place, t, before, after in found.logged:
                outputs += [t, before, after]
                grads += [self._logged[0][place], self._logged[1][:, place], self._logged[2][:, place]]
            for entry, parts in found.carried.items():
                outputs += parts
                grads += self._of_triggered(moment, entry, parts)
            leaves = [one for parts in carried.values() for one in parts]
            inputs = [u, t0, *([] if p is None else [p]), *leaves, *self._weights]
            known = [(a, b) for a, b in zip(outputs, grads, strict=True) if a.requires_grad]
            outputs, grads = zip(*known, strict=True)
            by = torch.autograd.grad(outputs, inputs, grads, allow_unused=True, materialize_grads=True)
        by_u, by_t0, *rest = by
        self._by_t0 = self._by_t0.index_add(0, moment.member, by_t0)
        if p is not None and self._by_p is not None:
            self._by_p = self._by_p + rest.pop(0)
        for entry, parts in carried.items():
            self._waiting[entry] = [
                a + b for a, b in zip(self._known(entry, parts), rest[: len(parts)], strict=True)
            ]
            rest = rest[len(parts) :]
        for total, one in zip(self._by_weights, rest, strict=True):
            total += one
        return adjoint.index_copy(1, moment.member, by_u)

    def _asked(self, number: int, moment: Moment, adjoint: Tensor) -> Tensor:
        """The members of a moment on which the loss depends behind it, or by its log, shape (S,)."""
        asked = ((adjoint[:, moment.member] != 0.0) | (self._saved(number, moment) != 0.0)).any(0)
        t, *states = self._logged
        for one in moment.operations:
            if one.triggered is not None:
                known = self._waiting.get(one.triggered)
                places = one.triggered.place[moment.member[one.columns]]
                found = [] if known is None else [(part[..., places] != 0.0) for part in known]
            else:
                found = [t[one.log] != 0.0, *(part[:, one.log] != 0.0 for part in states)]
            for part in found:
                of_column = part if part.ndim == 1 else part.any(0)
                asked = asked.index_copy(0, one.columns, asked[one.columns] | of_column)
        return asked

    def _of_triggered(self, moment: Moment, entry: Entry, parts: Sequence[Tensor]) -> list[Tensor]:
        """Derivatives by what an entry was given at the moment at which it was triggered."""
        known = self._waiting.get(entry)
        if known is None:
            return [torch.zeros_like(one) for one in parts]
        columns = next(one.columns for one in moment.operations if one.triggered is entry)
        places = entry.place[moment.member[columns]]
        return [one[..., places] for one in known]

    def _known(self, entry: Entry, parts: Sequence[Tensor]) -> list[Tensor]:
        return self._waiting.get(entry) or [torch.zeros_like(one) for one in parts]

    def _carried(self, moment: Moment) -> dict[Entry, tuple[Tensor, Tensor]]:
        found: dict[Entry, tuple[Tensor, Tensor]] = {}
        for one in moment.operations:
            if one.waited is not None and one.waited not in found:
                values = one.waited.values.detach().requires_grad_()
                dt = torch.zeros(values.shape[1], dtype=torch.float64, device=values.device)
                found[one.waited] = values, dt.requires_grad_()
        return found

    def _saved(self, number: int, moment: Moment) -> Tensor:
        """Derivatives by the saved states that are those after a moment."""
        owner = self._happened.owner
        if owner is None:
            return torch.zeros_like(moment.u)
        mine = (owner[:, moment.member] == number)[:, None]
        return torch.where(mine, self._grad[:, :, moment.member], 0.0).sum(0)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return one if one is None or other is None else one + other
