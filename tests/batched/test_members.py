"""A member's result is its own: to the last bit the same alone, in any company, and beside members that
fail."""

from __future__ import annotations

import pytest
import torch

from symde.engine.batched import integrate
from symde.engine.cpu.layout import Status
from tests.batched.batches import crowd, rhs_of

SELECTIONS = ([0], [39], [3, 4, 5], list(range(7, 24)), [39, 2, 17])
CASES = (
    ("Tsit5", "lotka", 2.0),
    ("Vern7", "forced", 1.0),
    ("BS3", "pleiades", 0.3),  # powers
    ("Rodas5P", "hires", 2.0),
    ("KenCarp4", "rober_1e5", 1.0),
)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("method", "name", "end"), CASES)
def test_a_member_alone_is_the_member_in_a_crowd_to_the_last_bit(method, name, end, dtype):
    rhs, (u0, p) = rhs_of(name), crowd(name, 40, dtype)
    times = torch.linspace(0, end, 5, dtype=torch.float64)
    options = dict(saveat=times, method=method, rtol=1e-4, atol=1e-6)
    whole = integrate(rhs, u0, p, 0.0, end, **options)
    assert whole.success
    for some in SELECTIONS:
        part = integrate(rhs, u0[:, some], p[:, some], 0.0, end, **options)
        assert torch.equal(part.u, whole.u[:, :, some])
        assert torch.equal(part.accepted, whole.accepted[some])
        assert torch.equal(part.rejected, whole.rejected[some])


def blows_up(t, u, p):
    """Doubles a member with p > 0 into infinity within a second, lets the others decay."""
    return torch.where(p > 0, u * u * p, -u)


@pytest.mark.parametrize("method", ["BS3", "Rosenbrock23"])
def test_members_that_fail_harm_no_other(method):
    u0 = torch.tensor([[1.0, 1.0, 2.0, 1.0]], dtype=torch.float64)
    p = torch.tensor([[-1.0, 5.0, -1.0, float("nan")]], dtype=torch.float64)
    times = torch.tensor([0.1, 1.0], dtype=torch.float64)
    found = integrate(blows_up, u0, p, 0.0, 1.0, times, method, rtol=1e-3)
    alone = integrate(blows_up, u0[:, [0, 2]], p[:, [0, 2]], 0.0, 1.0, times, method, rtol=1e-3)
    assert torch.equal(found.u[:, :, [0, 2]], alone.u)
    assert found.status.tolist()[0::2] == [Status.DONE, Status.DONE]
    assert found.status[1] in (Status.STEP_TOO_SMALL, Status.NON_FINITE)
    assert torch.isfinite(found.u[0, 0, 1]) and torch.isnan(found.u[1, 0, 1])
    assert not found.success


@pytest.mark.parametrize("gradient", ["replay", "tape", "adjoint"])
def test_members_that_fail_leave_shared_gradients_finite(gradient):
    rate = torch.tensor([[1.0]], dtype=torch.float64, requires_grad=True)
    u0 = torch.tensor([[1.0, -1.0, 2.0]], dtype=torch.float64)

    def rhs(t, u, p):
        return -p * torch.sqrt(u)

    found = integrate(rhs, u0, rate, 0.0, 0.5, method="Tsit5", gradient=gradient, rtol=1e-8, atol=1e-10)
    assert torch.isfinite(found.u[0, 0]).tolist() == [True, False, True]
    good = found.u[0, 0, [0, 2]]
    (grad,) = torch.autograd.grad(good.sum(), rate)
    # u = (sqrt(u0) - p t/2)^2, so du/dp = -t (sqrt(u0) - p t/2)
    expected = -0.5 * (1.0 - 0.25) - 0.5 * (2.0**0.5 - 0.25)
    assert grad.item() == pytest.approx(expected, rel=1e-6)


def test_members_may_start_and_end_at_times_of_their_own():
    u0, p = crowd("lotka", 3)
    start = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    found = integrate(rhs_of("lotka"), u0, p, start, start + 2.0, method="Tsit5")
    for k in range(3):
        one = integrate(rhs_of("lotka"), u0[:, [k]], p[:, [k]], start[k], start[k] + 2.0, method="Tsit5")
        assert torch.equal(one.u[0, :, 0], found.u[0, :, k])
