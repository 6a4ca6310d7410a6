"""What a step costs where dispatch is the cost: operations and looks at the device, counted; memory of a
replay."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from symde.engine.batched import integrate, loop
from tests.batched.batches import crowd, rhs_of


class Count(TorchDispatchMode):
    """Counts operations by name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found[str(function)] += 1
        return function(*args, **(kwargs or {}))


LOOKS = (
    "aten._local_scalar_dense.default",
    "aten.nonzero.default",
    "aten.is_nonzero.default",
    "aten.equal.default",
)
"""Operations that wait for the device."""


def per_attempt(saveat: torch.Tensor | None, method: str) -> tuple[float, float]:
    """Operations and looks of an attempt, those of the beginning and the end left out."""
    u0, p = crowd("lotka", 100)
    counts = []
    for most in (8, 16):
        with Count() as mode:
            found = integrate(rhs_of("lotka"), u0, p, 0.0, 10.0, saveat, method, max_steps=most)
        assert found.attempts == most
        counts.append(mode.found)
    work = counts[1] - counts[0]
    return sum(work.values()) / 8, sum(work[one] for one in LOOKS) / 8


def of_right_hand_side() -> int:
    """Operations of one evaluation into rows."""
    u0, p = crowd("lotka", 100)
    out = torch.empty_like(u0)
    t, rows = torch.zeros(100, dtype=torch.float64), (u0.unbind(0), p.unbind(0), out.unbind(0))
    with Count() as mode:
        rhs_of("lotka").into(t, *rows)
    return sum(mode.found.values())


@pytest.mark.parametrize(
    ("method", "evaluations", "own"), [("Tsit5", 6, 61), ("BS3", 3, 55), ("Vern7", 10, 69)]
)
def test_operations_of_a_step_are_few(method, evaluations, own):
    # own: two a stage, the rest control; measured, with none to spare
    operations, _ = per_attempt(None, method)
    assert operations - evaluations * of_right_hand_side() <= own


def test_the_right_hand_side_writes_where_its_rows_belong():
    assert of_right_hand_side() == 7  # a*x, b*x, -d, (-d)*y, g*x, and a sum with a product for each row


@pytest.mark.parametrize(
    "saveat", [None, torch.linspace(0, 10, 101, dtype=torch.float64)], ids=["end", "saves"]
)
@pytest.mark.parametrize(("cheap", "allowed"), [(False, 2 / 8), (True, 1 + 2 / 8)], ids=["GPU", "CPU"])
def test_the_host_looks_once_in_eight_attempts_or_after_each_where_that_is_cheap(
    saveat, cheap, allowed, monkeypatch
):
    monkeypatch.setattr(loop, "cheap_looks", lambda device: cheap)
    _, looks = per_attempt(saveat, "Tsit5")
    # finding the attempts that passed saved times takes none
    assert looks <= allowed


def test_no_attempt_is_made_when_all_have_ended():
    u0, p = crowd("lotka", 100)
    found = integrate(rhs_of("lotka"), u0, p, 0.0, 10.0, method="Tsit5")
    assert found.attempts == int((found.accepted + found.rejected).amax())


class Network(nn.Module):
    """2-50-2."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2))

    def forward(self, t, u, p):
        return self.layers(u.T**3).T


class Kept:
    """A tensor for as long as torch keeps it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def test_ten_thousand_steps_of_a_network_fit_into_50_megabytes():
    network = Network()
    u0 = torch.rand(2, 64)
    found = integrate(network, u0, None, 0.0, 4.0, method="RK4", dt0=0.1, rtol=1e-3, gradient="replay")
    assert found.record is not None and found.success
    # the tensors, and what Python and torch keep for each of them
    headers = 4 * 1000 * len(found.record.pieces)
    assert (found.record.bytes + headers) / len(found.record) * 10_000 < 50e6
    saved: weakref.WeakSet[Kept] = weakref.WeakSet()

    def keep(one):
        kept = Kept(one.detach())  # an output that knows its history would keep itself
        saved.add(kept)
        return kept

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept.tensor):
        found = integrate(network, u0, None, 0.0, 0.4, method="RK4", dt0=0.1, rtol=1e-3, gradient="replay")
    gc.collect()
    assert found.u.requires_grad
    # nothing but what came in: u0, two times and the weights
    assert len(saved) == 3 + len(list(network.parameters()))
