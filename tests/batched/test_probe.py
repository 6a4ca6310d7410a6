"""Right-hand sides whose gradients would silently lack a part, and transforms that are not known."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from symde.engine.batched import integrate
from tests.batched.batches import crowd, rhs_of

WAYS = ("replay", "tape", "adjoint")
U0 = torch.tensor([[1.0, 0.5, 0.2], [0.3, 0.4, 0.9]], dtype=torch.float64)


def solved(rhs, gradient="replay", **others):
    return integrate(rhs, U0.clone().requires_grad_(), None, 0.0, 0.5, rtol=1e-4, gradient=gradient, **others)


@pytest.mark.parametrize("gradient", ["replay", "adjoint"])
def test_tensors_that_a_function_closes_over_are_refused(gradient):
    rate = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    with pytest.raises(ValueError, match=r"reads 1 tensors .*of shape \(\).* modules=\(net,\)"):
        solved(lambda t, u, p: -rate * u, gradient)


def test_they_are_refused_where_nothing_else_is_differentiated():
    net = nn.Linear(2, 2).double()
    with pytest.raises(ValueError, match="reads 2 tensors"):
        integrate(lambda t, u, p: net(u.T).T, U0, None, 0.0, 0.5)
    with torch.no_grad():
        assert integrate(lambda t, u, p: net(u.T).T, U0, None, 0.0, 0.5).success


def test_a_tape_follows_them_and_modules_may_be_named():
    net = nn.Linear(2, 2).double()

    def rhs(t, u, p):
        return net(u.T).T

    found = []
    for how in (dict(gradient="tape"), dict(modules=(net,))):
        u = integrate(rhs, U0, None, 0.0, 0.5, **how).u
        found.append(torch.autograd.grad(u.square().sum(), tuple(net.parameters())))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


class Noise(nn.Module):
    def forward(self, x):
        return x + 0.1 * torch.randn_like(x)


class FunctionalDropout(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, 0.5)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x * (1 + 0.01 * self.calls)


@pytest.mark.parametrize("gradient", WAYS)
@pytest.mark.parametrize("part", [Noise, FunctionalDropout, Counter, nn.RReLU])
def test_what_gives_other_values_when_evaluated_again_is_refused(part, gradient):
    class Slopes(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(2, 4), part(), nn.Linear(4, 2)).double()

        def forward(self, t, u, p):
            return self.net(u.T).T

    torch.manual_seed(1)
    # few attempts are enough: the right-hand side is another at each
    with pytest.raises(ValueError, match=r"other values when it is evaluated again.*\.eval\(\)"):
        integrate(
            Slopes(), U0, None, 0.0, 0.5, method="RK4", dt0=0.25, gradient=gradient, max_steps=2
        ).u.sum().backward()


def test_counting_calls_is_no_change():
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.calls = nn.Linear(2, 2).double(), 0

        def forward(self, t, u, p):
            self.calls += 1
            return self.net(u.T).T

    module = Counted()
    solved(module).u.sum().backward()
    assert module.calls and module.net.weight.grad is not None


@pytest.mark.parametrize("gradient", WAYS)
def test_forward_mode_is_refused_and_gives_no_zero(gradient):
    u0, p = crowd("lotka", 3)
    with pytest.raises(NotImplementedError, match="forward mode"):
        torch.func.jvp(lambda p: integrate(rhs_of("lotka"), u0, p, 0.0, 1.0, gradient=gradient).u, (p,), (p,))
    with forward_ad.dual_level(), pytest.raises(NotImplementedError, match="forward mode"):
        integrate(rhs_of("lotka"), forward_ad.make_dual(u0, u0), p, 0.0, 1.0, gradient=gradient)


def test_functional_gradients_are_those_of_a_tape():
    u0, p = crowd("lotka", 3)

    def loss(p, gradient="tape"):
        return integrate(rhs_of("lotka"), u0, p, 0.0, 1.0, gradient=gradient).u.square().sum()

    leaf = p.clone().requires_grad_()
    loss(leaf).backward()
    torch.testing.assert_close(torch.func.grad(loss)(p), leaf.grad, rtol=1e-12, atol=0)
    with pytest.raises(NotImplementedError, match="gradient='tape'"):
        torch.func.grad(lambda p: loss(p, "replay"))(p)
    with pytest.raises(NotImplementedError, match="one column a member"):
        torch.func.vmap(loss)(torch.stack([p, p]))


@pytest.mark.parametrize(
    ("slopes", "message"),
    [
        (lambda t, u, p: None, "must give a tensor"),
        (lambda t, u, p: u[:1], r"gives shape \(1, 3\)"),
        (lambda t, u, p: torch.tensor(1.0), r"gives shape \(\)"),
        (lambda t, u, p: torch.ones(2, 3, dtype=torch.int64), "must give torch.float64"),
    ],
)
@pytest.mark.parametrize("followed", [False, True])
def test_what_is_no_slope_for_each_state_is_refused(slopes, message, followed):
    with torch.set_grad_enabled(followed), pytest.raises((TypeError, ValueError), match=message):
        integrate(slopes, U0, None, 0.0, 0.5)


@pytest.mark.parametrize("gradient", WAYS)
def test_a_gradient_is_taken_with_the_casts_of_its_solve(gradient):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 4), nn.ELU(), nn.Linear(4, 2))
    seen = set()

    def rhs(t, u, p):
        f = net(u.T)
        seen.add(f.dtype)
        return f.T.float()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = integrate(rhs, U0.float(), None, 0.0, 0.5, rtol=1e-2, gradient=gradient, modules=(net,))
    found.u.square().sum().backward()
    assert seen == {torch.bfloat16} and net[0].weight.grad is not None


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (dict(atol=-1.0), "atol"), (dict(atol=float("nan")), "atol"), (dict(atol=torch.ones(3)), r"\(2,\)"),
        (dict(dt0=0.0), "dt0"), (dict(dt0=-1.0), "dt0"), (dict(dtmax=float("nan")), "dtmax"),
        (dict(max_steps=0), "max_steps"), (dict(t1=float("inf")), "finite"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_are_refused(option, message):
    with pytest.raises(ValueError, match=message):
        integrate(lambda t, u, p: -u, U0, None, 0.0, **{"t1": 1.0, **option})
