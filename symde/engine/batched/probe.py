"""One look at a right-hand side before a solve, and one after a solve that torch follows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from symde.engine.batched.problem import Batch

ROUNDING = 1e4
"""Units in the last place of the largest slope by which two evaluations may differ: sums on a GPU come in any
order."""


def refuse_transforms(gradient: str) -> None:
    """Refuse transforms of `torch.func` and forward mode, whose derivatives would be lost without a word.

    Raises:
        NotImplementedError: one is at work that the way of differentiation does not know.
    """
    functorch: Any = torch._C._functorch  # type: ignore[attr-defined]
    kinds = functorch.TransformType
    levels = {one.key() for one in functorch.get_interpreter_stack() or ()}
    if forward_ad._current_level >= 0 or kinds.Jvp in levels:
        raise NotImplementedError(
            "forward mode (jvp, jacfwd, dual numbers) in the batched engine is not known: take backward() "
            "or torch.func.grad with gradient='tape', or symde.layers.diffeq on the CPU"
        )
    if levels - {kinds.Grad}:
        raise NotImplementedError(
            "torch.func.vmap round the batched engine is not known: give it the batch, one column a member"
        )
    if levels and gradient != "tape":
        raise NotImplementedError(
            f"torch.func.grad through gradient={gradient!r} is not known: take gradient='tape', or backward()"
        )


class Probe:
    """The right-hand side at the start of a solve.

    Args:
        batch: What is to be solved.

    Raises:
        TypeError, ValueError: it gives no tensor of floats of the states' shape.

    Attributes:
        slopes: What it gave, shape (n, B).
        unseen: Where torch follows: tensors to be differentiated by that the right-hand side reads, and that
            are neither given nor parameters of a module that is.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        slopes = self._evaluated()
        self.slopes = slopes.detach()
        read = leaves(slopes)
        for one in () if batch.events is None else self._of_events():
            read += [leaf for leaf in leaves(one) if all(leaf is not known for known in read)]
        self.unseen = [one for one in read if all(one is not w for w in batch.weights)]

    def _of_events(self) -> list[Tensor]:
        """What events give at the start."""
        batch = self._batch
        p = None if batch.p is None else batch.p.detach()
        return batch.events.probed(batch.t0.detach(), batch.u0.detach().clone(), p)

    def _evaluated(self) -> Tensor:
        batch = self._batch
        p = None if batch.p is None else batch.p.detach()
        f = batch.rhs(batch.t0.detach(), batch.u0.detach().clone(), p)
        if not isinstance(f, Tensor):
            raise TypeError(f"the right-hand side must give a tensor (n, B), found {type(f).__name__}")
        if f.shape != batch.u0.shape:
            raise ValueError(
                f"the right-hand side gives shape {tuple(f.shape)} for states of shape "
                f"{tuple(batch.u0.shape)}: it must give one slope for each"
            )
        if not f.is_floating_point():
            raise TypeError(f"the right-hand side gives {f.dtype}: it must give {batch.u0.dtype}")
        return f

    def refuse_unseen(self) -> None:
        """Refuse tensors whose derivatives would be missing.

        Raises:
            ValueError: there are some.
        """
        if self.unseen:
            shapes = ", ".join(str(tuple(one.shape)) for one in self.unseen[:4])
            more = ", ..." if len(self.unseen) > 4 else ""
            events = "" if self._batch.events is None else ", or an event,"
            raise ValueError(
                f"the right-hand side{events} reads {len(self.unseen)} tensors that require a gradient and "
                f"are not known here (of shape {shapes}{more}), so that their gradient would be missing: "
                "give their module as modules=(net,), make the right-hand side a torch.nn.Module that holds "
                "them, give them as p, or take gradient='tape'"
            )

    def refuse_changed(self) -> None:
        """Refuse a right-hand side that gives something else by now: steps are done again for the gradient.

        Raises:
            ValueError: it does.
        """
        with torch.no_grad():
            before, after = self.slopes, self._evaluated()
        if torch.equal(before, after):
            return
        allowed = ROUNDING * torch.finfo(before.dtype).eps * before.abs().amax()
        # a slope that is not a number is so both times
        if bool(((before - after).abs() > allowed).any()):
            raise ValueError(
                "the right-hand side gives other values when it is evaluated again (random numbers, dropout, "
                "normalisation by the batch, weights or counters that it changes), so the solve has no "
                "gradient. Call .eval() on its modules, or take this part out of it"
            )


def leaves(f: Tensor) -> list[Tensor]:
    """The tensors to be differentiated by at the ends of a history."""
    todo, seen, found = [f.grad_fn], set(), []
    if f.requires_grad and f.grad_fn is None:
        found.append(f)
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            found.append(leaf)
        todo.extend(one for one, _ in node.next_functions)
    return found
