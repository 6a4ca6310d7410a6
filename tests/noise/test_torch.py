"""Paths with noise as torch functions."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.noise import solve_noise

from . import path_models

torch = pytest.importorskip("torch")

from symde.layers import DiffEqLayer, diffeq, diffeq_adjoint, diffeq_fd, diffeq_rd  # noqa: E402

OPTIONS = {"dt0": 0.1, "seed": 4, "saveat": [0.5, 1.0]}


def problem():
    return path_models.problem("diagonal")


def parameters():
    return torch.tensor(problem().p.copy(), requires_grad=True)


def squares(u):
    return (u**2).sum()


def expected() -> np.ndarray:
    """The gradient of the sum of squares."""
    return symde.value_and_grad(lambda u: ((u**2).sum(), 2 * u), problem(), **OPTIONS)[1]["p"]


@pytest.mark.parametrize("layer", [diffeq, diffeq_fd, diffeq_rd])
def test_gradients_are_those_of_the_path(layer) -> None:
    p = parameters()
    u = layer(p, problem(), **OPTIONS)
    assert np.array_equal(u.detach().numpy(), symde.solve(problem(), **OPTIONS).u)
    squares(u).backward()
    np.testing.assert_allclose(p.grad, expected(), rtol=1e-12)
    with torch.no_grad():
        assert torch.equal(layer(p, problem(), **OPTIONS), u)


@pytest.mark.parametrize("layer", [diffeq_fd, diffeq_rd])
def test_members_of_a_batch_are_the_paths_of_the_seed(layer) -> None:
    p = parameters()
    u = layer(p.expand(40, -1), problem(), "Milstein", workers=2, **OPTIONS)
    member = solve_noise(problem(), "Milstein", dt0=0.1, seed=4, trajectory=17, saveat=[0.5, 1.0])
    assert np.array_equal(u[17].detach().numpy(), member.u)
    (squares(u) / 40).backward()
    _, grad = symde.value_and_grad(
        lambda u: ((u**2).sum() / 40, 2 * u / 40), problem(), "Milstein", n=40, **OPTIONS
    )
    np.testing.assert_allclose(p.grad, grad["p"], rtol=1e-12)


def test_members_have_parameters_and_starts_of_their_own() -> None:
    p = (parameters() * torch.linspace(0.9, 1.1, 3)[:, None]).detach().requires_grad_()
    u0 = torch.tensor([[1.0, 1.0], [1.1, 0.8], [0.7, 1.2]], dtype=torch.float64, requires_grad=True)
    squares(diffeq(p, problem(), u0=u0, **OPTIONS)).backward()
    for k in range(3):
        own = symde.remake(problem(), p=p[k].tolist(), u0=u0[k].tolist())
        given = {"dt0": 0.1, "seed": 4, "trajectory": k, "saveat": [0.5, 1.0]}
        weights = 2 * solve_noise(own, **given).u

        def moved(where: int, h: float, own=own, given=given) -> np.ndarray:
            u0 = own.u0.copy()
            u0[where] += h
            return solve_noise(symde.remake(own, u0=u0), **given).u

        for where in (0, 1):
            slope = (moved(where, 1e-5) - moved(where, -1e-5)) / 2e-5
            assert u0.grad[k, where].item() == pytest.approx((weights * slope).sum(), rel=1e-7)


def test_transforms_agree() -> None:
    from torch.func import grad, jacfwd, jacrev, jvp, vjp, vmap

    def path(p):
        return diffeq(p, problem(), **OPTIONS)

    p = parameters().detach()
    forward, reverse = jacfwd(path)(p), jacrev(path)(p)
    torch.testing.assert_close(forward, reverse, rtol=1e-12, atol=1e-13)
    sens = symde.sensitivities(problem(), wrt="p", **OPTIONS)
    np.testing.assert_allclose(forward, sens.dp, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(grad(lambda p: squares(path(p)))(p), torch.tensor(expected()))
    direction = torch.linspace(-1, 1, len(p), dtype=torch.float64)
    torch.testing.assert_close(jvp(path, (p,), (direction,))[1], forward @ direction)
    weights = torch.ones(2, 2, dtype=torch.float64)
    torch.testing.assert_close(vjp(path, p)[1](weights)[0], forward.sum((0, 1)))
    many = p * torch.linspace(0.9, 1.1, 5, dtype=torch.float64)[:, None]
    mapped = vmap(grad(lambda p: squares(path(p))))(many)
    tracked = many.clone().requires_grad_()
    squares(path(tracked)).backward()  # a batch: its members are the same paths
    torch.testing.assert_close(mapped, tracked.grad, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(vmap(jacfwd(path))(many), vmap(jacrev(path))(many), rtol=1e-12, atol=1e-13)


def test_compiled_code_has_the_same_path() -> None:
    mine = problem()

    def loss(p):
        return squares(diffeq(p, mine, **OPTIONS))

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    p = parameters()
    value = compiled(p)
    value.backward()
    assert value.item() == loss(p).item()
    np.testing.assert_allclose(p.grad, expected(), rtol=1e-12)
    with pytest.raises(Exception, match="other noise on its way back"):
        torch.compile(lambda p: diffeq(p, mine, dt0=0.1), fullgraph=True, backend="aot_eager")(p)


def test_noise_of_its_own_is_outside_of_compiled_code() -> None:
    mine, p = problem(), parameters()
    compiled = torch.compile(lambda p: squares(diffeq(p, mine, dt0=0.1)), backend="aot_eager")
    torch.manual_seed(3)
    compiled(p).backward()
    found, p.grad = p.grad, None
    torch.manual_seed(3)
    squares(diffeq(p, mine, dt0=0.1)).backward()
    assert torch.equal(found, p.grad)


def test_a_batch_of_none_has_no_paths() -> None:
    p = torch.ones(0, len(problem().p), requires_grad=True)
    u = diffeq(p, problem(), dt0=0.1, saveat=[0.5, 1.0])
    assert u.shape == (0, 2, 2) and u.dtype == torch.float32
    u.sum().backward()
    assert p.grad.shape == p.shape


def test_seeds_come_from_torch_where_none_is_given() -> None:
    p, found = parameters().detach(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append([diffeq(p, problem(), dt0=0.1) for _ in range(2)])
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])
    assert not torch.equal(found[0][0], found[0][1]) and not torch.equal(found[0][0], found[2][0])


def test_a_layer_learns_a_path() -> None:
    layer = DiffEqLayer(problem(), p=["a", "s"], dtype=torch.float64, **OPTIONS)
    squares(layer()).backward()
    assert layer.p["s"].grad.item() == pytest.approx(expected()[4], rel=1e-12)
    single = DiffEqLayer(problem(), dtype=torch.float32, **OPTIONS)
    assert single().dtype == torch.float32


def test_starts_that_follow_parameters() -> None:
    start = path_models.problem("start")
    p = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    squares(diffeq({"s": p}, start, **OPTIONS)).backward()
    _, grad = symde.value_and_grad(lambda u: ((u**2).sum(), 2 * u), start, wrt="s", **OPTIONS)
    assert p.grad.item() == pytest.approx(grad["s"], rel=1e-12)


def test_what_is_not_known_is_refused() -> None:
    p = parameters()
    with pytest.raises(NotImplementedError, match="second derivatives of paths"):
        (first,) = torch.autograd.grad(squares(diffeq(p, problem(), **OPTIONS)), p, create_graph=True)
        first.sum().backward()
    with pytest.raises(NotImplementedError, match="second derivatives of paths"):
        torch.func.hessian(lambda p: squares(diffeq(p, problem(), **OPTIONS)))(p.detach())
    with pytest.raises(ValueError, match="those of their steps"):
        squares(diffeq_adjoint(p, problem(), **OPTIONS)).backward()
    with pytest.raises(ValueError, match="no derivative by tspan and saveat"):
        diffeq(p, problem(), tspan=(0.0, torch.tensor(1.0, requires_grad=True)), dt0=0.1)
    with pytest.raises(ValueError, match="the same saveat in all members"):
        diffeq(p, problem(), dt0=0.1, saveat=torch.tensor([[0.5], [0.7]]))
    with pytest.raises(ValueError, match="dtmax=0.1 belongs to ordinary"):
        diffeq(p, problem(), dtmax=0.1, **OPTIONS)
    plain = symde.Problem("param a = 1\nstate x = 1\ntime 0 .. 1\ndx = -a*x")
    with pytest.raises(ValueError, match="seed=1 belongs to problems with noise"):
        diffeq(None, plain, seed=1)


def test_the_usual_tolerances_of_ordinary_equations_count_where_they_are_given() -> None:
    mine = symde.remake(problem(), tspan=(0, 0.01))
    given = {"rtol": float("1e-6"), "atol": 1e-3, "seed": 1, "saveat": [0.01]}
    expected = symde.solve(mine, **given).u
    p = torch.as_tensor(mine.p)
    np.testing.assert_array_equal(diffeq(p, mine, **given).numpy(), expected)
    compiled = torch.compile(lambda p: diffeq(p, mine, **given), fullgraph=True, backend="aot_eager")
    np.testing.assert_array_equal(compiled(p).numpy(), expected)
