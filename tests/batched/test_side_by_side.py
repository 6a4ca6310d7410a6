"""Steps differentiated side by side give what they give one by one, and are done so where they must."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from symde.engine.batched import continuous, forward, integrate, record, side_by_side
from symde.engine.batched.explicit_numbers import explicit_numbers
from tests.batched.batches import crowd, rhs_of

TIMES = torch.tensor([0.0, 0.2, 0.35, 0.36, 0.8, 1.2], dtype=torch.float64)


class Network(nn.Module):
    """2-8-2, with the time."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).to(dtype)
        self.calls: list[int] = []

    def forward(self, t, u, p):
        self.calls.append(u.shape[1])
        time = torch.cos(t).to(u.dtype).expand(1, u.shape[1])
        return self.layers(torch.cat([u**3, time]).T).T


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "FEW", 0)


def weighted(u: Tensor) -> Tensor:
    """A loss that tells all saved values apart."""
    return ((1 + torch.arange(u.numel(), dtype=u.dtype).reshape(u.shape)) * u**2).sum()


def of_network(
    method: str, members: int, saveat: Tensor | None, dtype=torch.float64, **options
) -> list[Tensor]:
    network = Network(dtype)
    u0 = torch.tensor([[2.0, 0.5, 1.0], [0.0, 1.0, -1.0]], dtype=dtype)[:, :members].requires_grad_()
    found = integrate(network, u0, None, 0.0, 1.2, saveat, method, 1e-5, 1e-7, **options)
    expected = forward.FEW > 0
    assert found.record is not None and found.record.side_by_side is expected
    return list(torch.autograd.grad(weighted(found.u), [u0, *network.parameters()]))


def agree(one: list[Tensor], other: list[Tensor], digits: float) -> None:
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=digits, atol=digits * float(b.abs().max()))


# the sums of the two come in another order
@pytest.mark.parametrize(("dtype", "digits"), [(torch.float64, 1e-11), (torch.float32, 1e-4)])
@pytest.mark.parametrize(
    "saveat", [None, TIMES, TIMES[-1:], TIMES[:-1]], ids=["end", "times", "last", "inside"]
)
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "BS3"])
def test_steps_side_by_side_give_the_gradient_of_steps_one_by_one(
    method, members, saveat, dtype, digits, monkeypatch
):
    found = of_network(method, members, saveat, dtype)
    one_by_one(monkeypatch)
    agree(found, of_network(method, members, saveat, dtype), digits)


@pytest.mark.parametrize("shared", [True, False])
def test_parameters_of_all_members_and_of_each(shared, monkeypatch):
    u0, p = crowd("lotka", 5)
    p = p[:, :1] if shared else p

    def gradients() -> list[Tensor]:
        inputs = [one.clone().requires_grad_() for one in (u0, p)]
        u = integrate(rhs_of("lotka"), *inputs, 0.0, 3.0, [0.5, 1.0, 3.0], "Tsit5", 1e-4, 1e-6).u
        return list(torch.autograd.grad(weighted(u), inputs))

    found = gradients()
    one_by_one(monkeypatch)
    agree(found, gradients(), 1e-11)


@pytest.mark.parametrize(("part", "size"), [("COLUMNS", 30), ("LIGHT", 0)])
def test_some_steps_at_a_time_and_a_product_for_each_state(part, size, monkeypatch):
    found = of_network("Tsit5", 3, TIMES)
    monkeypatch.setattr(side_by_side, part, size)
    agree(found, of_network("Tsit5", 3, TIMES), 1e-12)


def test_a_backward_pass_evaluates_the_network_once():
    network = Network()
    u0 = torch.tensor([[2.0], [0.0]], dtype=torch.float64)
    found = integrate(network, u0, None, 0.0, 1.2, TIMES, "Tsit5", 1e-5, 1e-7)
    network.calls.clear()
    found.u.sum().backward()
    # a copy for each of two states of a column for each of seven stages
    assert network.calls == [2 * 7 * int(found.accepted)]


def test_stages_are_kept_as_long_as_there_is_room(monkeypatch):
    network, u0 = Network(), torch.tensor([[2.0], [0.0]], dtype=torch.float64)
    kept = integrate(network, u0, None, 0.0, 1.2, gradient="replay").record
    assert kept is not None and kept.stages is not None
    steps = len(kept)
    # seven stages of two numbers; times, sizes, states and a truth value beside them
    assert kept.bytes == steps * (8 * (7 * 2 + 4) + 1)
    monkeypatch.setattr(record, "MOST_BYTES", kept.bytes // 2)
    without = integrate(network, u0, None, 0.0, 1.2, gradient="replay").record
    assert without is not None and not without.side_by_side and without.bytes == steps * (8 * 4 + 1)


def mean_field(t, u, p):
    """Columns that act on one another: right for one member alone."""
    return -p * (u - 0.5 * u.mean())


def test_a_right_hand_side_that_looks_at_all_columns_is_differentiated_step_by_step():
    u0 = torch.tensor([[1.0], [3.0]], dtype=torch.float64, requires_grad=True)
    rate = torch.tensor([[0.7]], dtype=torch.float64, requires_grad=True)
    options = dict(method="Tsit5", rtol=1e-8, atol=1e-10)
    replayed, taped = (
        torch.autograd.grad(
            weighted(integrate(mean_field, u0, rate, 0.0, 1.0, [0.3, 1.0], gradient=how, **options).u),
            (u0, rate),
        )
        for how in ("replay", "tape")
    )
    agree(list(replayed), list(taped), 1e-10)
    found = integrate(mean_field, u0, rate, 0.0, 1.0, [0.3, 1.0], gradient="adjoint", **options)
    with pytest.raises(ValueError, match="no column may act on another"):
        found.u.sum().backward()


def test_a_right_hand_side_for_one_number_of_columns_is_differentiated_step_by_step(monkeypatch):
    rates = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)

    def gradient() -> list[Tensor]:
        u0 = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
        u = integrate(lambda t, u, p: -rates * u, u0, None, 0.0, 1.0, method="Tsit5").u
        return list(torch.autograd.grad(weighted(u), u0))

    found = gradient()
    one_by_one(monkeypatch)
    agree(found, gradient(), 1e-14)


def test_a_member_alone_takes_the_steps_that_it_takes_in_a_crowd():
    network = Network()
    u0 = torch.tensor([[2.0, 0.5, 1.0], [0.0, 1.0, -1.0]], dtype=torch.float64)
    for method in ("Tsit5", "Vern7", "RK4"):
        options = dict(dt0=0.1) if method == "RK4" else {}
        crowd_ = integrate(network, u0, None, 0.0, 1.2, TIMES, method, 1e-6, 1e-8, **options)
        for k in range(3):
            alone = integrate(network, u0[:, [k]], None, 0.0, 1.2, TIMES, method, 1e-6, 1e-8, **options)
            assert alone.accepted[0] == crowd_.accepted[k] and alone.rejected[0] == crowd_.rejected[k]
            # a product of matrices rounds otherwise for another number of columns
            torch.testing.assert_close(alone.u[..., 0], crowd_.u[..., k], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P"])
def test_stretches_side_by_side_give_the_adjoint_of_stretches_one_by_one(method, members, monkeypatch):
    u0, p = crowd("forced", members)

    def gradients() -> list[Tensor]:
        inputs = [one.clone().requires_grad_() for one in (u0, p)]
        options = dict(method=method, rtol=1e-8, atol=1e-10, gradient="adjoint")
        u = integrate(rhs_of("forced"), *inputs, 0.0, 1.2, TIMES, **options).u
        return list(torch.autograd.grad(weighted(u), inputs))

    found = gradients()
    monkeypatch.setattr(continuous, "MOST_COLUMNS", 0)
    # both follow the adjoint equation to 1e-8
    agree(found, gradients(), 1e-6)


@pytest.mark.parametrize("members", [1, 3])
def test_torch_func_grad_by_a_tape_gives_what_backward_gives(members):
    network, start = Network(), torch.tensor([[2.0, 0.5, 1.0], [0.0, 1.0, -1.0]], dtype=torch.float64)

    def loss(u0: Tensor, gradient: str) -> Tensor:
        return weighted(integrate(network, u0, None, 0.0, 1.2, TIMES, rtol=1e-5, gradient=gradient).u)

    u0 = start[:, :members].requires_grad_()
    (expected,) = torch.autograd.grad(loss(u0, "replay"), u0)
    agree([torch.func.grad(loss)(u0.detach(), "tape")], [expected], 1e-11)


def test_numbers_made_where_nothing_is_differentiated_serve_where_it_is():
    explicit_numbers.cache_clear()
    network, u0 = Network(), torch.tensor([[2.0], [0.0]], dtype=torch.float64, requires_grad=True)
    with torch.inference_mode():
        plain = integrate(network, u0, None, 0.0, 1.2, TIMES, rtol=1e-5).u
    for gradient in ("replay", "tape", "adjoint"):
        found = integrate(network, u0, None, 0.0, 1.2, TIMES, rtol=1e-5, gradient=gradient).u
        assert torch.equal(found, plain) or gradient == "tape"
        weighted(found).backward()
