"""A device that is none: its tensors lie on the CPU and say that they are elsewhere.

What a GPU refuses is refused here too (tensors of both sides in one operation, numpy's view of a tensor), and
what makes the host wait for one is noted, so that machines without a GPU test both.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.utils.backend_registration
from torch.utils._python_dispatch import TorchDispatchMode

NAME = "pretended"

WAITING = {
    "_local_scalar_dense", "equal", "is_nonzero", "nonzero", "masked_select", "_unique2", "unique_dim",
    "repeat_interleave", "bincount",
}  # fmt: skip
"""Operations whose outcome or shape the host must know."""

TAKES_INDICES = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
"""Operations that read indices of the CPU, and wait until these are there."""

TAKES_NO_SCALARS = {"cat", "stack", "mm", "bmm", "addmm", "baddbmm", "gather", "index_select", "index_add"}
"""Operations that do not even read a number without dimensions from the CPU."""


def available() -> bool:
    """Whether this version of torch lets Python make a device, and there is no other beside which it cannot
    stand: with a GPU the real one is what is tested."""
    return not torch.cuda.is_available() and hasattr(
        torch.utils.backend_registration, "_setup_privateuseone_for_python_backend"
    )


class Elsewhere(torch.Tensor):
    """A tensor that says so."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(),
            dtype=inner.dtype, device=torch.device(NAME, 0),
        )  # fmt: skip
        made.inner = inner
        return made

    def __repr__(self, **how: Any) -> str:
        return f"Elsewhere({self.inner!r})"

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{function} outside of PretendedDevice")


class PretendedDevice(TorchDispatchMode):
    """In its context `torch.device("pretended")` is a device.

    Attributes:
        waits: Names of operations that made the host wait.
        operations: Their number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        self.operations = 0

    def __enter__(self) -> PretendedDevice:
        torch._C._set_only_lift_cpu_tensors(True)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        torch._C._set_only_lift_cpu_tensors(False)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        torch._C._set_only_lift_cpu_tensors(True)  # the thread of a backward pass is another
        name = function.overloadpacket.__name__
        self.operations += 1
        given: list[torch.Tensor] = []
        inner = _inner(args, given)
        options = {key: _inner(one, given) for key, one in (kwargs or {}).items()}
        ours = [one for one in given if isinstance(one, Elsewhere)]
        target = options.get("device")
        there = bool(ours)
        if target is not None:
            options["device"] = "cpu"
            there = torch.device(target).type == NAME or there and name != "_to_copy"
        if name == "_to_copy":
            if there != bool(ours):
                self.waits.append("fetched" if ours else "sent")
        elif ours:
            self._look(name, given)
        found = function(*inner, **options)
        if not there:
            return found.clone() if ours and name == "_to_copy" else found
        return _wrapped(found, {id(one.inner): one for one in ours})

    def _look(self, name: str, given: list[torch.Tensor]) -> None:
        """Refuse what a GPU refuses, and note what it waits for."""
        stranded = [one for one in given if not isinstance(one, Elsewhere)]
        if name.removesuffix("_") in TAKES_NO_SCALARS:
            wrong = stranded
        elif name in TAKES_INDICES:
            wrong = [one for one in stranded if one.is_floating_point() and one.ndim]
            self.waits += [f"{name} by indices of the CPU"] * bool(stranded)
        else:
            wrong = [one for one in stranded if one.ndim] if name != "copy_" else []
        if wrong:
            shapes = ", ".join(str(tuple(one.shape)) for one in wrong)
            raise RuntimeError(f"{name} of tensors on two devices: on the CPU are those of shape {shapes}")
        chosen = name in TAKES_INDICES and any(one.dtype == torch.bool for one in given[1:])
        if name in WAITING or chosen or name == "copy_" and stranded:
            self.waits.append(name)


def _inner(one: Any, given: list[torch.Tensor]) -> Any:
    """What lies on the CPU; all tensors found are added to `given`."""
    if isinstance(one, torch.Tensor):
        given.append(one)
        return one.inner if isinstance(one, Elsewhere) else one
    return type(one)([_inner(part, given) for part in one]) if type(one) in (tuple, list) else one


def _wrapped(one: Any, known: dict[int, Elsewhere]) -> Any:
    """As tensors that are elsewhere; those that an operation wrote into are the ones it was given."""
    if isinstance(one, torch.Tensor):
        return known[id(one)] if id(one) in known else Elsewhere(one)
    return type(one)([_wrapped(part, known) for part in one]) if isinstance(one, tuple | list) else one


def _register() -> None:
    """Make the device, which torch is not to take for anything unless it is named: no other test has to do
    with it."""
    known: Any = torch.utils.backend_registration

    class Hook(known._DummyPrivateUse1Hook):
        def is_available(self) -> bool:
            return False

    class Module(known._DummyBackendModule):
        def is_available(self) -> bool:
            return False

        def get_rng_state(self, device: Any = None) -> torch.Tensor:
            return torch.get_rng_state()

        def set_rng_state(self, state: torch.Tensor, device: Any = None) -> None:
            pass

    known._setup_privateuseone_for_python_backend(NAME, Module(), Hook())


if available():  # before the first backward pass of the process, which counts the devices that there are
    _register()
