"""Moments passed again with their operations kept, in the order of the run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.events.passage import Setting, passed
from symde.engine.batched.events.times import Entry
from symde.engine.batched.forward import Forward
from symde.engine.batched.once import only_once
from symde.engine.batched.problem import Batch

TWICE = (
    "second derivatives of a solve in which events took place are not known: end the span before, or take "
    "first derivatives alone"
)


class MomentsAgain:
    """The moments of a solve with a history; derivatives pass them once.

    Args:
        batch, found: What was solved.

    Attributes:
        logged: t, before and after of the log, shapes (L,), (n, L) and (n, L), once all were passed.
    """

    def __init__(self, batch: Batch, found: Forward) -> None:
        assert found.happened is not None
        self._happened, self._batch = found.happened, batch
        self._setting = Setting(batch.events, batch.rhs, batch.options)
        self._numbers = found.happened.by_attempt()
        self._carried: dict[Entry, tuple[Tensor, Tensor]] = {}
        self._saved: list[tuple[Tensor, Tensor, Tensor]] = []
        self.logged = found.happened.logged

    def after(self, attempt: int, u: Tensor) -> Tensor:
        """The states (n, B) behind the moments of an attempt."""
        for number in self._numbers.get(attempt, ()):
            moment = self._happened.moments[number]
            t0 = self._batch.t0[moment.member]
            before = u[:, moment.member]
            found = passed(self._setting, moment, before, self._batch.p, t0, self._carried)
            after, *rest = _once(found.u, *(one for parts in found.logged for one in parts[1:]))
            self._carried.update(found.carried)
            for k, (place, *_) in enumerate(found.logged):
                self._note(place, rest[3 * k : 3 * k + 3])
            owner = self._happened.owner
            if owner is not None:
                save, place = torch.nonzero(owner[:, moment.member] == number, as_tuple=True)
                self._saved.append((save, moment.member[place], after[:, place]))
            u = u.index_copy(1, moment.member, after)
        return u

    def _note(self, place: Tensor, parts: list[Tensor]) -> None:
        t, before, after = self.logged
        self.logged = (
            t.index_copy(0, place, parts[0]),
            before.index_copy(1, place, parts[1]),
            after.index_copy(1, place, parts[2]),
        )

    def saved(self, base: Tensor) -> Tensor:
        """Saved states (T, B, n) with those that are behind moments."""
        for save, member, u in self._saved:
            base = base.index_put((save, member), u.T)
        return base


def _once(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The same tensors, whose derivatives cannot be differentiated again."""
    return _Once.apply(*tensors)  # type: ignore[return-value]


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(*tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(one.clone() for one in tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        return tuple(only_once(grads, (*grads, *ctx.saved_tensors), TWICE))
