"""NeuralODE: the same numbers from compiled kernels and from the torch engine, with all derivatives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from symde.engine.batched import integrate
from symde.layers import NeuralODE
from symde.problem.solution import SolveError

TIMES = torch.linspace(0.0, 1.5, 4, dtype=torch.float64)
TIGHT = dict(rtol=1e-9, atol=1e-11)


def network(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(2, 9), nn.Tanh(), nn.Linear(9, 2)).to(dtype)


def starts(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor([[2.0, 0.0], [1.0, -0.5], [0.3, 0.2]], dtype=dtype)


def gradients(layer: NeuralODE, u0: Tensor, **options) -> tuple[Tensor, list[Tensor]]:
    u0 = u0.clone().requires_grad_()
    u = layer(u0, **options)
    return u.detach(), list(torch.autograd.grad((u**2).sum(), [u0, *layer.module.parameters()]))


def test_both_engines_agree_on_values_and_gradients() -> None:
    module = network()
    compiled = NeuralODE(module, (0.0, 1.5), "Tsit5", saveat=TIMES, **TIGHT)
    batched = NeuralODE(module, (0.0, 1.5), "Tsit5", saveat=TIMES, backend="torch", **TIGHT)
    (u, first), (v, second) = gradients(compiled, starts()), gradients(batched, starts())
    assert u.shape == (3, 4, 2)
    # both follow the solution to 1e-9
    assert torch.allclose(u, v, rtol=1e-8, atol=1e-9)
    assert all(torch.allclose(a, b, rtol=1e-7, atol=1e-8) for a, b in zip(first, second, strict=True))


def test_a_batch_is_its_members_one_by_one() -> None:
    layer = NeuralODE(network(), (0.0, 1.5), "Tsit5", saveat=TIMES, **TIGHT)
    together, (by_u0, *by_weights) = gradients(layer, starts())
    alone = [gradients(layer, one) for one in starts()]
    assert torch.equal(together, torch.stack([u for u, _ in alone]))
    assert torch.allclose(by_u0, torch.stack([found[0] for _, found in alone]), rtol=1e-13)
    for k, whole in enumerate(by_weights, 1):
        assert torch.allclose(whole, sum(found[k] for _, found in alone), rtol=1e-12)


def test_derivatives_by_times_are_slopes() -> None:
    module = network()
    layer = NeuralODE(module, (0.0, 1.5), saveat=TIMES, **TIGHT)
    times = TIMES.clone().requires_grad_()
    u = layer(starts()[0], saveat=times)
    u.sum().backward()
    assert torch.allclose(times.grad, module(u.detach()).sum(-1), rtol=1e-7)
    end = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    final = NeuralODE(module, (0.0, end), **TIGHT)(starts()[0])
    final.sum().backward()
    assert final.shape == (1, 2) and torch.allclose(end.grad, module(final.detach()).sum(), rtol=1e-7)


def test_gradcheck_of_initial_state_and_a_weight() -> None:
    layer = NeuralODE(network(), (0.0, 1.0), "Vern7", rtol=1e-11, atol=1e-12)
    weight = layer.module[2].bias
    start = starts()[:1].requires_grad_()
    assert torch.autograd.gradcheck(lambda u0, _: layer(u0), (start, weight), rtol=1e-5, atol=1e-7)


def test_float32_weights_give_float32_and_the_same_solution() -> None:
    layer = NeuralODE(network(torch.float32), (0.0, 1.5), saveat=0.5)
    u = layer(starts(torch.float32))
    assert u.dtype == torch.float32
    exact = NeuralODE(network(torch.float32).double(), (0.0, 1.5), saveat=0.5, **TIGHT)(starts())
    assert torch.allclose(u.double(), exact, rtol=1e-5, atol=1e-5)
    u.sum().backward()
    assert all(one.grad is not None and one.grad.dtype == torch.float32 for one in layer.parameters())


def test_other_modules_go_through_the_torch_engine_with_the_time() -> None:
    class Timed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rate = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

        def forward(self, t: Tensor, u: Tensor) -> Tensor:
            return -self.rate * t * u

    layer = NeuralODE(Timed(), (0.0, 2.0), saveat=1.0, **TIGHT)
    u = layer(starts())
    # u = u0 exp(-rate t^2/2)
    assert torch.allclose(u[:, -1], starts() * torch.exp(torch.tensor(-1.0)), rtol=1e-7)
    u[:, -1].sum().backward()
    assert layer.module.rate.grad == pytest.approx(-2.0 * u[:, -1].sum().item(), rel=1e-6)


def test_it_is_a_module_among_others() -> None:
    layer = NeuralODE(network(), (0.0, 1.0))
    assert list(layer.state_dict()) == [f"module.{name}" for name in network().state_dict()]
    model = nn.Sequential(nn.Linear(4, 2).double(), layer, nn.Flatten(), nn.Linear(2, 1).double())
    assert model(torch.ones(5, 4, dtype=torch.float64)).shape == (5, 1)


def test_training_lowers_the_loss() -> None:
    target = torch.stack([torch.cos(TIMES), torch.sin(TIMES)], -1)
    layer = NeuralODE(network(), (0.0, 1.5), saveat=TIMES)
    optimiser, losses = torch.optim.Adam(layer.parameters(), 0.02), []
    for _ in range(60):
        optimiser.zero_grad()
        loss = ((layer(target[0]) - target) ** 2).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.02 * losses[0]


def test_mistakes_are_told() -> None:
    layer = NeuralODE(network(), (0.0, 1.0))
    with pytest.raises(ValueError, match="reads 2 values and gives 3"):
        NeuralODE(nn.Sequential(nn.Linear(2, 3)), (0, 1))
    with pytest.raises(ValueError, match="not compiled.*leave backend out"):
        NeuralODE(nn.Sequential(nn.Linear(2, 2), nn.GELU()), (0, 1), backend="cpu")
    with pytest.raises(ValueError, match="'cpu' and 'torch'"):
        NeuralODE(network(), (0, 1), backend="gpu")
    with pytest.raises(TypeError, match="expected a torch.nn.Module, found function"):
        NeuralODE(lambda u: u, (0, 1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no option `tolerance`"):
        NeuralODE(network(), (0, 1), tolerance=1)
    with pytest.raises(TypeError, match="u0 must be a tensor"):
        layer([1.0, 2.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"found \(3,\)"):
        layer(torch.ones(3, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"\(n,\) or \(batch, n\)"):
        layer(torch.ones(2, 2, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match="one slope for each"):
        NeuralODE(nn.Linear(2, 3).double(), (0, 1))(starts())
    with pytest.raises(ValueError, match="no sensealg 'gauss'"):
        NeuralODE(nn.Linear(2, 2).double(), (0, 1), sensealg="gauss")(starts())


def test_a_layer_and_an_activation_in_several_places() -> None:
    torch.manual_seed(0)
    layer, activation = nn.Linear(2, 2), nn.Tanh()
    module = nn.Sequential(layer, activation, layer, activation, nn.Linear(2, 2)).double()
    u0 = torch.tensor([[0.3, 0.8]], dtype=torch.float64)
    found = []
    for backend in ("cpu", "torch"):
        node = NeuralODE(module, (0.0, 1.0), saveat=[0.5, 1.0], rtol=1e-8, atol=1e-8, backend=backend)
        u = node(u0)
        found.append((u, *torch.autograd.grad(u.square().sum(), tuple(module.parameters()))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


class Stretched(nn.Module):
    """A slope that is steep far from 0, so that members differ in difficulty; its calls are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.rates = nn.Parameter(torch.tensor([1.0, 0.3], dtype=torch.float64))
        self.calls = 0

    def forward(self, u: Tensor) -> Tensor:
        self.calls += 1
        return torch.cos(u.flip(1)) - self.rates * u**3


def test_shared_steps_are_those_of_all_states_as_one_system() -> None:
    module, u0 = Stretched(), torch.tensor([[4.0, 0.1], [1.0, -0.5], [1e-6, 0.0]], dtype=torch.float64)
    options = dict(saveat=TIMES, rtol=1e-6, atol=1e-8, backend="torch")
    for sensealg in ("discrete", "tape"):
        layer = NeuralODE(module, (0.0, 1.5), "Tsit5", steps="shared", sensealg=sensealg, **options)
        u, (by_u0, by_rates) = gradients(layer, u0)

        def joined(t: Tensor, flat: Tensor, p: None) -> Tensor:
            return module(flat.T.reshape(-1, 2)).reshape(-1, 6).T

        start = u0.clone().requires_grad_()
        found = integrate(
            joined, start.reshape(6, 1), None, 0.0, 1.5, TIMES, "Tsit5", 1e-6, 1e-8, modules=(module,)
        ).u
        assert torch.allclose(u, found.detach().reshape(4, 3, 2).transpose(0, 1), rtol=1e-12)
        expected = torch.autograd.grad((found**2).sum(), [start, module.rates])
        assert torch.allclose(by_u0, expected[0], rtol=1e-10)
        assert torch.allclose(by_rates, expected[1], rtol=1e-10)


def test_shared_steps_call_the_module_less_often_where_members_differ() -> None:
    module, u0 = Stretched(), torch.tensor([[4.0, 0.1]] + [[0.5, -0.5]] * 999, dtype=torch.float64)
    counts = {}
    for steps in ("own", "shared"):
        layer = NeuralODE(module, (0.0, 1.5), rtol=1e-6, atol=1e-12, backend="torch", steps=steps)
        module.calls = 0
        with torch.no_grad():
            end = layer(u0)
        counts[steps] = module.calls
    assert counts["shared"] < 0.7 * counts["own"]
    exact = NeuralODE(module, (0.0, 1.5), rtol=1e-11, atol=1e-14, backend="torch")(u0)
    # the mean over all states is judged, of which a thousandth may be off by the root of 1000
    assert torch.allclose(end, exact, rtol=0, atol=1e-5)


def test_shared_steps_take_tolerances_of_each_state_and_tell_who_failed() -> None:
    module = Stretched()
    u0 = torch.tensor([[4.0, 0.1], [1.0, -0.5]], dtype=torch.float64)
    layer = NeuralODE(module, (0.0, 1.5), atol=[1e-8, 1e-4], steps="shared")
    assert layer(u0).shape == (2, 1, 2)
    assert layer(u0[0]).shape == (1, 2)
    assert layer(u0[:0]).shape == (0, 1, 2)
    growing = NeuralODE(Squared(), (0.0, 2.0), steps="shared")
    with pytest.raises(SolveError, match=r"at t = 1(.|\n)*worst state: u2 ="):
        growing(torch.tensor([[0.1, 0.1], [0.1, 1.0]], dtype=torch.float64))
    with pytest.raises(ValueError, match="unknown steps 'mine': there are 'own' and 'shared'"):
        NeuralODE(module, (0.0, 1.0), steps="mine")
    with pytest.raises(ValueError, match="compiled kernels give each member steps of its own"):
        NeuralODE(network(), (0.0, 1.0), steps="shared", backend="cpu")


class Squared(nn.Module):
    """Grows without bound."""

    def forward(self, u: Tensor) -> Tensor:
        return u**2
