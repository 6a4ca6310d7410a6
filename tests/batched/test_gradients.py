"""Gradients: replay, tape and adjoint against each other, differences, and the compiled engine's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import symde
from symde.engine.batched import integrate
from tests.batched.batches import alone, crowd, rhs_of
from tests.problems import get

TIMES = torch.tensor([0.0, 0.35, 0.8, 1.2], dtype=torch.float64)


def leaves(name: str, count: int = 3) -> list[torch.Tensor]:
    """u0, p of one column, t0, t1, times."""
    u0, _ = crowd(name, count)
    _, p = alone(name)
    ends = [torch.tensor(one, dtype=torch.float64) for one in (0.0, 1.2)]
    return [one.clone().requires_grad_() for one in (u0, p, *ends, TIMES)]


def gradients(name: str, method: str, gradient: str, saved: bool, rtol: float = 1e-7) -> list[torch.Tensor]:
    inputs = leaves(name)
    u0, p, t0, t1, times = inputs
    saveat = times if saved else None
    found = integrate(
        rhs_of(name), u0, p, t0, t1, saveat, method, rtol=rtol, atol=rtol * 1e-2, gradient=gradient
    )
    weight = 1 + torch.arange(found.u.numel(), dtype=torch.float64).reshape(found.u.shape)
    loss = (weight * found.u**2).sum()
    grads = torch.autograd.grad(loss, inputs, allow_unused=True)
    return [torch.zeros_like(one) if grad is None else grad for one, grad in zip(inputs, grads, strict=True)]


CASES = [("Tsit5", "lotka"), ("Vern7", "forced"), ("Rosenbrock23", "forced"), ("Rodas5P", "rober_1e5")]


@pytest.mark.parametrize("saved", [False, True], ids=["end", "saves"])
@pytest.mark.parametrize(("method", "name"), CASES)
def test_replay_gives_what_a_tape_gives(method, name, saved):
    # the same operations in the same order but for sums
    for one, other in zip(
        *(gradients(name, method, how, saved, 1e-5) for how in ("replay", "tape")), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12 * float(other.abs().max()) + 1e-30)


@pytest.mark.parametrize("saved", [False, True], ids=["end", "saves"])
def test_implicit_stages_are_differentiated_by_the_implicit_function_theorem(saved):
    mine, other = (gradients("forced", method, "replay", saved, 1e-6) for method in ("KenCarp4", "Vern7"))
    for one, two in zip(mine, other, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-4 * float(two.abs().max()) + 1e-30)


@pytest.mark.parametrize("method", ["Tsit5", "Rosenbrock23"])
def test_the_continuous_adjoint_agrees_to_the_tolerance(method):
    name = "lotka" if method == "Tsit5" else "forced"
    mine, other = (gradients(name, method, how, True, 1e-6) for how in ("adjoint", "replay"))
    for one, two in zip(mine, other, strict=True):
        torch.testing.assert_close(one, two, rtol=2e-4, atol=2e-4 * float(two.abs().max()) + 1e-30)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P"])
def test_the_gradient_is_the_compiled_engines_discrete_one(method):
    name = "lotka" if method == "Tsit5" else "hires"
    case = get(name)
    tspan = (0.0, 2.0)
    problem = symde.Problem(case.model, tspan=tspan)
    _, expected = symde.value_and_grad(
        lambda u: ((u**2).sum(), 2 * u), problem, method, saveat=[2.0], sensealg="discrete",
        rtol=1e-7, atol=1e-10,
    )  # fmt: skip
    u0, p = (one.requires_grad_() for one in alone(name))
    found = integrate(rhs_of(name), u0, p, *tspan, method=method, rtol=1e-7, atol=1e-10)
    grads = torch.autograd.grad((found.u**2).sum(), (u0, p))
    for one, key in zip(grads, ("u0", "p"), strict=True):
        other = torch.tensor(expected[key])
        # the other's steps bear a tangent in their error test, so they are others
        torch.testing.assert_close(one[:, 0], other, rtol=1e-5, atol=1e-5 * float(other.abs().max()))


class Network(nn.Module):
    """A small network as a right-hand side."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)).to(dtype)

    def forward(self, t, u, p):
        return self.layers(u.T**3).T


def network_loss(network: nn.Module, u0: torch.Tensor, gradient: str, **options) -> torch.Tensor:
    times = TIMES.detach()
    return (integrate(network, u0, None, 0.0, 1.2, times, gradient=gradient, **options).u ** 2).sum()


@pytest.mark.parametrize("method", ["TRBDF2", "Kvaerno3", "KenCarp4"])
@pytest.mark.parametrize("rtol", [1e-2, 1e-6])
@pytest.mark.parametrize("members", [1, 20])
def test_the_adjoint_allows_for_what_iterations_leave(method, rtol, members):
    # beside others a stage's last iteration may be made or not, by rounding
    u0, p = (one.requires_grad_() for one in crowd("lotka", members))
    found = integrate(rhs_of("lotka"), u0, p, 0.0, 5.0, None, method, rtol=rtol, gradient="adjoint")
    assert all(one.isfinite().all() for one in torch.autograd.grad(found.u.sum(), (u0, p)))


@pytest.mark.parametrize("gradient", ["replay", "tape", "adjoint"])
def test_weights_are_differentiated(gradient):
    network, u0 = Network(torch.float64), torch.randn(2, 5, dtype=torch.float64)
    options = dict(method="Tsit5", rtol=1e-9, atol=1e-11)
    network_loss(network, u0, gradient, **options).backward()
    weight = network.layers[0].weight
    step = 1e-5
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[2, 1] += sign * step
            values.append(network_loss(network, u0, gradient, **options))
            weight[2, 1] -= sign * step
    # central differences: error of order step^2, and rounding of 1e-16/step
    assert weight.grad[2, 1].item() == pytest.approx(((values[0] - values[1]) / (2 * step)).item(), rel=1e-5)


def test_float32_weights_have_float32_gradients():
    single, double = Network(torch.float32), Network(torch.float64)
    u0 = torch.randn(2, 5)
    options = dict(method="Tsit5", rtol=1e-4, atol=1e-6)
    network_loss(single, u0, "replay", **options).backward()
    network_loss(double, u0.double(), "replay", **options).backward()
    for one, two in zip(single.parameters(), double.parameters(), strict=True):
        assert one.grad.dtype == torch.float32
        torch.testing.assert_close(
            one.grad.double(), two.grad, rtol=1e-3, atol=1e-4 * float(two.grad.abs().max())
        )


def test_modules_that_a_function_calls_are_differentiated_when_named():
    network = Network(torch.float64)
    u0 = torch.ones(2, 1, dtype=torch.float64)

    def rhs(t, u, p):
        return -u + network(t, u, p)

    found = integrate(rhs, u0, None, 0.0, 1.0, modules=[network])
    found.u.sum().backward()
    assert all(one.grad is not None for one in network.parameters())


def test_second_derivatives_by_tape_are_right_and_by_replay_refused():
    u0 = torch.tensor([[1.0, 1.1], [1.0, 0.9]], dtype=torch.float64, requires_grad=True)
    _, p = alone("lotka")

    def end(u0, gradient):
        return integrate(
            rhs_of("lotka"), u0, p, 0.0, 0.5, method="BS3", rtol=1e-2, atol=1e-3, gradient=gradient
        ).u

    # differences see the steps change, so they are kept: fixed by dt0 and loose tolerances
    assert torch.autograd.gradgradcheck(
        lambda u: integrate(rhs_of("lotka"), u, p, 0.0, 0.3, method="RK4", dt0=0.1, gradient="tape").u, u0
    )
    (grad,) = torch.autograd.grad(end(u0, "replay").sum(), u0, create_graph=True)
    with pytest.raises(NotImplementedError, match="second derivatives"):
        torch.autograd.grad(grad.sum(), u0)


def test_second_derivatives_of_implicit_stages_are_refused():
    u0, p = (one.requires_grad_() for one in alone("forced"))
    found = integrate(rhs_of("forced"), u0, p, 0.0, 0.3, method="KenCarp4", gradient="tape")
    (grad,) = torch.autograd.grad(found.u.sum(), u0, create_graph=True)
    with pytest.raises(NotImplementedError, match="second derivatives"):
        torch.autograd.grad(grad.sum(), p)


def test_values_changed_between_forward_and_backward_are_noticed():
    u0, p = (one.requires_grad_() for one in alone("lotka"))
    found = integrate(rhs_of("lotka"), u0, p, 0.0, 1.0)
    with torch.no_grad():
        p.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        found.u.sum().backward()


@pytest.mark.parametrize("moved", ["t0", "t1", "times"])
def test_second_derivatives_beside_times_are_refused(moved):
    # a derivative by a state depends on the time as well, which first derivatives do not say
    u0, p, t0, t1, times = leaves("lotka")
    kept = dict(t0=t0, t1=t1, times=times)
    t0, t1, times = (one if name == moved else one.detach() for name, one in kept.items())
    saveat = times if moved == "times" else None
    u = integrate(rhs_of("lotka"), u0, p, t0, t1, saveat, rtol=1e-4, gradient="tape").u
    by_p, by_time = torch.autograd.grad(u.square().sum(), (p, kept[moved]), create_graph=True)
    for one in (by_p, by_time):
        with pytest.raises(NotImplementedError, match="detach"):
            torch.autograd.grad(one.sum(), (p, kept[moved]), retain_graph=True)
