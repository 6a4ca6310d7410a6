"""What every function of the bridge shares with torch: calls that cost little, and torch's present state."""

from __future__ import annotations

import functools
import inspect
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch.autograd import forward_ad


class Differentiable(torch.autograd.Function):
    """A torch function for every transform.

    Torch binds the arguments to the signature of `forward` at each call: 47 of the 140 us that an empty
    function took. Here all arguments are given, by position, so that there is nothing to bind.
    """

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        forward: Any = cls.forward
        forward.__signature__ = _AsGiven()


class _AsGiven(inspect.Signature):
    """The signature of a function whose arguments are all given by position."""

    def bind(self, *args: Any, **named: Any) -> Any:
        """The arguments."""
        return _Bound(args)


class _Bound:
    __slots__ = ("args", "kwargs")

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.args = args
        self.kwargs: dict[str, Any] = {}

    def apply_defaults(self) -> None:
        """There are none."""


@functools.cache
def threads(purpose: str) -> ThreadPoolExecutor:
    """Threads for a purpose, made when they are first needed."""
    return ThreadPoolExecutor(thread_name_prefix=f"symde-{purpose}")


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=threads.cache_clear)


def transformed() -> bool:
    """Whether a transform of `torch.func` is at work, or forward-mode differentiation."""
    return _transforms_active() or forward_ad._current_level >= 0


def refuse_nested_forward() -> None:
    """Refuse forward mode within forward mode: while torch asks a function for its derivative along a
    direction, it forgets all other directions, and what comes out would lack their part without a word.

    Raises:
        NotImplementedError: two are at work.
    """
    levels = [one.key() for one in _interpreters() or ()]
    if levels.count(_FORWARD) > 1:
        raise NotImplementedError(
            "forward mode within forward mode (torch.func.jvp or jacfwd twice) is not known of a solve: take "
            "torch.func.hessian, jacrev of jacfwd, or jacrev twice"
        )


_functorch: Any = torch._C._functorch  # type: ignore[attr-defined]
_interpreters, _FORWARD = _functorch.get_interpreter_stack, _functorch.TransformType.Jvp


# where torch does not say, functions are called in the way that is right under every transform
_transforms_active = getattr(torch._C, "_are_functorch_transforms_active", lambda: True)
