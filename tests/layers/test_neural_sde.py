"""Torch modules as drift and diffusion."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import symde
from symde.layers import NeuralSDE, neural_dmsde
from symde.layers.modules_of_noise import kind_of


def network(outputs: int = 2, inputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs)).double()


class Timed(nn.Module):
    """A drift that reads the time."""

    def forward(self, t, x):
        return -x * t


class Two(nn.Module):
    """Gives more than it should."""

    def forward(self, x):
        return x, x


class Own(nn.Module):
    """Coefficients that read their own state."""

    def forward(self, x):
        return 0.1 + 0.2 * torch.sin(x)


class Fixed(nn.Module):
    """Coefficients that read nothing."""

    def __init__(self):
        super().__init__()
        self.size = nn.Parameter(torch.tensor([0.3, 0.1], dtype=torch.float64))

    def forward(self, x):
        return self.size.expand_as(x)


class Late(nn.Module):
    """Coefficients that read their state where it is large, or another one, or later on."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    def forward(self, t, x):
        return {
            "large": 0.1 + torch.relu(x - 5),
            "other": x + torch.relu(x.flip(-1) - 5),
            "jump": torch.where(x > 0, 0.3, 1.5).to(x),
            "later": torch.where(t > 1, x, 1.0),
            "time": (0.1 * t).expand_as(x),
        }[self.way]


def test_a_batch_is_a_path_from_each_state():
    sde = NeuralSDE(network(), network(), (0, 1), dt0=0.05, saveat=0.25, seed=3)
    start = torch.randn(5, 2, dtype=torch.float64)
    u = sde(start)
    assert u.shape == (5, 5, 2)
    torch.testing.assert_close(u[:, 0], start)
    torch.testing.assert_close(sde(start[2], trajectory=2), u[2], rtol=1e-12, atol=1e-12)
    assert sde(start, saveat=[0.5, 1.0]).shape == (5, 2, 2)
    assert sde(start, tspan=(0, 2), saveat=None).shape == (5, 9, 2)


def test_the_seed_is_torchs_own_where_none_is_given_and_the_same_where_one_is():
    sde = NeuralSDE(network(), network(), (0, 1), dt0=0.1)
    start = torch.zeros(3, 2, dtype=torch.float64)
    torch.manual_seed(7)
    first, seed = sde(start), sde.last_seed
    assert not torch.equal(first, sde(start))
    torch.manual_seed(7)
    assert torch.equal(first, sde(start))
    assert torch.equal(first, sde(start, seed=seed))
    common = NeuralSDE(sde.drift, sde.diffusion, (0, 1), dt0=0.1, seed=seed)
    assert torch.equal(first, common(start))


@pytest.mark.parametrize("noise", ["diagonal", "scalar", "general"])
def test_gradients_are_those_of_differences_with_common_noise(noise):
    if noise == "general":
        diffusion = nn.Sequential(network(6), nn.Unflatten(1, (2, 3)))
    else:
        diffusion = network()
    sde = NeuralSDE(network(), diffusion, (0, 1), noise=noise, dt0=0.1, saveat=0.5, seed=1)
    start = torch.tensor([[0.5, -0.2], [0.1, 0.3]], dtype=torch.float64, requires_grad=True)
    sde(start).square().sum().backward()
    weights = {"start": start} | dict(sde.named_parameters())
    for name, one in weights.items():
        place = (0,) * one.ndim
        slope = one.grad[place].item()
        ends = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                one[place] += step
                ends.append(sde(start).square().sum().item())
                one[place] -= step
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8), name


def test_multiplicative_noise_is_the_models():
    # the drift -x: the same path as the model text, of geometric Brownian motion
    drift = nn.Linear(2, 2, bias=False).double()
    with torch.no_grad():
        drift.weight.copy_(-torch.eye(2))
    sde = neural_dmsde(drift, torch.tensor([0.2, 0.4], dtype=torch.float64), (0, 1), dt0=0.05, seed=4)
    model = symde.ode_def("dx = -x*dt + 0.2*x*dW\ndy = -y*dt + 0.4*y*dW\nx(0) = 1; y(0) = 2\ntime 0 .. 1")
    expected = symde.solve(symde.Problem(model), dt0=0.05, seed=4, saveat=[1.0]).u
    found = sde(torch.tensor([1.0, 2.0], dtype=torch.float64))
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-12)
    found.sum().backward()
    assert sde.diffusion.scale.grad is not None and drift.weight.grad is not None


class Matrix(nn.Module):
    """g = (y/2, 3x/10; 0, 2x/5), in which the order of motions makes a difference."""

    def __init__(self):
        super().__init__()
        self.size = nn.Parameter(torch.tensor([0.5, 0.3, 0.4], dtype=torch.float64))

    def forward(self, x):
        a, b, c = self.size
        rows = torch.stack([a * x[:, 1], b * x[:, 0]], 1), torch.stack([0 * x[:, 0], c * x[:, 0]], 1)
        return torch.stack(rows, 1)


WHIRL = """
  dx = -x*dt + 0.5*y*dW1 + 0.3*x*dW2
  dy = -y*dt + 0.4*x*dW2
  x(0) = 1; y(0) = 0.5
  time 0 .. 1
"""


@pytest.mark.parametrize(
    "method", ["EulerMaruyama", "Milstein", "DRI1", "ImplicitEulerMaruyama", "ImplicitMilstein"]
)
def test_general_noise_is_the_models(method):
    class Decay(nn.Module):
        def forward(self, x):
            return -x

    sde = NeuralSDE(Decay(), Matrix(), (0, 1), method, noise="general", dt0=0.05, seed=4, saveat=0.5)
    expected = symde.ensemble(
        symde.Problem(symde.ode_def(WHIRL)), method, n=3, dt0=0.05, seed=4, saveat=0.5
    ).u
    start = torch.tensor([1.0, 0.5], dtype=torch.float64).expand(3, 2)
    found = sde(start)
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-11)
    found.square().sum().backward()
    tape = NeuralSDE(
        Decay(), Matrix(), (0, 1), method, noise="general", dt0=0.05, seed=4, saveat=0.5, sensealg="tape"
    )
    tape(start).square().sum().backward()
    torch.testing.assert_close(sde.diffusion.size.grad, tape.diffusion.size.grad, rtol=1e-11, atol=0)


@pytest.mark.parametrize("method", [None, "SPaRK"])
def test_steps_that_follow_the_error_of_general_noise_are_the_models(method):
    class Decay(nn.Module):
        def forward(self, x):
            return -x

    how = dict(rtol=0.02, atol=0.02, seed=4, saveat=0.5)
    problem = symde.Problem(symde.ode_def(WHIRL))
    expected = symde.ensemble(problem, method or "EulerMaruyama", n=3, **how).u
    start = torch.tensor([1.0, 0.5], dtype=torch.float64).expand(3, 2)
    slopes = []
    for sensealg in ("discrete", "tape"):
        sde = NeuralSDE(Decay(), Matrix(), (0, 1), method, noise="general", sensealg=sensealg, **how)
        found = sde(start)
        np.testing.assert_allclose(found.detach(), expected, rtol=1e-11)
        found.square().sum().backward()
        slopes.append(sde.diffusion.size.grad)
    torch.testing.assert_close(*slopes, rtol=1e-11, atol=0)


@pytest.mark.parametrize("noise", ["diagonal", "scalar"])
def test_space_time_methods_follow_the_equation_of_stratonovich(noise):
    # each motion moves its own state, or one motion both: products of all motions together
    class Decay(nn.Module):
        def forward(self, x):
            return -x

    sde = NeuralSDE(Decay(), Own(), (0, 1), "SPaRK", noise=noise, dt0=0.05, seed=4)
    motions = ("W1", "W2") if noise == "diagonal" else ("W1", "W1")
    text = "\n".join(
        f"d{x} = -{x}*dt + (0.1 + 0.2*sin({x}))*d{w}" for x, w in zip("xy", motions, strict=True)
    )
    model = symde.ode_def(f"{text}\nx(0) = 1; y(0) = 0.5\ntime 0 .. 1")
    expected = symde.solve(symde.Problem(model), "SPaRK", dt0=0.05, seed=4, saveat=[1.0]).u
    np.testing.assert_allclose(sde(torch.tensor([1.0, 0.5], dtype=torch.float64)), expected, rtol=1e-12)


def test_coefficients_that_read_other_states_have_all_products():
    # diagonal by its shape, general by what it reads: dx = 0.5*y*dW1, dy = 0.4*x*dW2
    class Crossed(nn.Module):
        def forward(self, x):
            return torch.stack([0.5 * x[:, 1], 0.4 * x[:, 0]], 1)

    class Decay(nn.Module):
        def forward(self, x):
            return -x

    sde = NeuralSDE(Decay(), Crossed(), (0, 1), "Milstein", dt0=0.05, seed=4)
    model = symde.ode_def("dx = -x*dt + 0.5*y*dW1\ndy = -y*dt + 0.4*x*dW2\nx(0) = 1; y(0) = 0.5\ntime 0 .. 1")
    expected = symde.solve(symde.Problem(model), "Milstein", dt0=0.05, seed=4, saveat=[1.0]).u
    np.testing.assert_allclose(sde(torch.tensor([1.0, 0.5], dtype=torch.float64)), expected, rtol=1e-12)


@pytest.mark.parametrize("method", [None, "auto", " Auto "])
def test_a_method_left_to_be_chosen_follows_what_coefficients_read(method):
    start = torch.ones(2, dtype=torch.float64)
    cases = (Fixed(), "SOSRA"), (Own(), "SRIW1"), (network(), "EulerMaruyama")
    for diffusion, name in cases:
        chosen, named = (
            NeuralSDE(network(), diffusion, (0, 1), one, dt0=0.1, seed=1)(start) for one in (method, name)
        )
        assert torch.equal(chosen, named)


def test_weights_are_saved_and_come_back():
    first = NeuralSDE(network(), Fixed(), (0, 1), dt0=0.1, seed=1)
    assert set(first.state_dict()) == {
        "drift.0.weight", "drift.0.bias", "drift.2.weight", "drift.2.bias", "diffusion.size",
    }  # fmt: skip
    with torch.no_grad():
        first.diffusion.size.mul_(2.0)
    second = NeuralSDE(network(), Fixed(), (0, 1), dt0=0.1, seed=1)
    start = torch.ones(2, dtype=torch.float64)
    assert not torch.equal(first(start), second(start))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(start), second(start))


def test_times_to_save_as_a_tensor_and_under_the_compiler():
    sde = NeuralSDE(network(), Own(), (0, 1), dt0=0.1, seed=1)
    start = torch.ones(2, 2, dtype=torch.float64)
    times = torch.tensor([0.25, 0.5, 1.0])
    u = sde(start, saveat=times)
    torch.testing.assert_close(u, sde(start, saveat=[0.25, 0.5, 1.0]))
    compiled = torch.compile(sde, backend="eager")
    torch.testing.assert_close(compiled(start, saveat=times), u)
    compiled(start, saveat=times).sum().backward()
    assert sde.drift[0].weight.grad.abs().sum() > 0


def test_without_noise_it_is_eulers_method():
    class Nothing(nn.Module):
        def forward(self, x):
            return torch.zeros_like(x)

    drift = network()
    sde = NeuralSDE(drift, Nothing(), (0, 0.4), "EulerMaruyama", dt0=0.1)
    x = start = torch.tensor([[0.5, -0.2]], dtype=torch.float64)
    for _ in range(4):
        x = x + 0.1 * drift(x)
    torch.testing.assert_close(sde(start)[:, -1], x)


def test_the_kind_of_noise_is_what_coefficients_read():
    start = torch.zeros(2, dtype=torch.float64)
    assert kind_of(Fixed(), "diagonal", start) == "additive"
    assert kind_of(Own(), "diagonal", start) == "diagonal"
    assert kind_of(network(), "diagonal", start) == "general"
    assert kind_of(network(), "scalar", start) == "scalar"
    for way, kind in (
        ("large", "diagonal"), ("other", "general"), ("jump", "diagonal"), ("later", "diagonal"),
        ("time", "additive"),
    ):  # fmt: skip
        assert kind_of(Late(way), "diagonal", start) == kind
    zero = network()
    with torch.no_grad():
        zero[2].weight.zero_()
    assert kind_of(zero, "diagonal", start) == "general"  # as its weights may be tomorrow
    assert NeuralSDE(Timed(), Own(), (0, 1), dt0=0.1)(start).shape == (1, 2)


@pytest.mark.parametrize(
    ("one", "other", "allowed"), [("EulerMaruyama", "Milstein", 5e-3), ("SRIW1", "SOSRI", 5e-5)]
)
def test_methods_agree_on_the_same_noise(one, other, allowed):
    # each pair draws as many numbers a step; their errors are of order h^(1/2) and h^(3/2)
    start = torch.full((50, 2), 0.5, dtype=torch.float64)
    ends = [NeuralSDE(network(), Own(), (0, 1), name, dt0=1 / 64, seed=2)(start) for name in (one, other)]
    assert (ends[0] - ends[1]).abs().mean() < allowed


def test_float32_and_training():
    torch.manual_seed(1)
    drift = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    sde = neural_dmsde(drift, [0.1], (0, 1), dt0=0.1, saveat=0.5)
    optimiser = torch.optim.Adam(sde.parameters(), lr=0.05)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = (sde(torch.ones(32, 1))[:, -1].mean() - 2.0) ** 2
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: NeuralSDE(lambda x: x, Own(), (0, 1), dt0=0.1),
            TypeError,
            "drift must be a torch.nn.Module",
        ),
        (
            lambda: NeuralSDE(network(), Own(), (0, 1), dt0=0.1, noise="full"),
            ValueError,
            "unknown noise 'full'",
        ),
        (lambda: NeuralSDE(network(), Own(), (0, 1), "Tsit5", dt0=0.1), ValueError, "ordinary"),
        (lambda: NeuralSDE(network(), Own(), (0, 1), "nothing", dt0=0.1), ValueError, "unknown method"),
        (lambda: NeuralSDE(network(), Own(), (0, 1), 3, dt0=0.1), TypeError, "method"),
        (lambda: NeuralSDE(network(), Own(), (0, 1), dt0=0.1, seed=-1), ValueError, "seed"),
    ],
)
def test_mistakes_of_the_layer(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_mistakes_of_a_call():
    start = torch.ones(3, 2, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"diagonal noise has coefficients of shape"):
        NeuralSDE(network(), network(3), (0, 1), dt0=0.1)(start)
    with pytest.raises(ValueError, match="SRIW1 is for diagonal or scalar noise, and this is general"):
        NeuralSDE(network(), network(), (0, 1), "SRIW1", dt0=0.1)(start)
    with pytest.raises(ValueError, match="SKenCarp is for additive noise, and this is general"):
        NeuralSDE(network(), network(), (0, 1), "SKenCarp", dt0=0.1)(start)
    with pytest.raises(ValueError, match="one slope"):
        NeuralSDE(network(3), Own(), (0, 1), dt0=0.1)(start)
    with pytest.raises(ValueError, match="training mode"):
        NeuralSDE(nn.Dropout(), Own(), (0, 1), dt0=0.1)(start)
    with pytest.raises(ValueError, match="cannot be differentiated by"):
        NeuralSDE(network(), Own(), (0.0, torch.tensor(1.0, requires_grad=True)), dt0=0.1)(start)
    with pytest.raises(ValueError, match="noise comes as time goes on"):
        NeuralSDE(network(), Own(), (1, 0), dt0=0.1)(start)
    with pytest.raises(TypeError, match=r"float64 weights, and u0 is float32: write u0.to\(torch.float64\)"):
        NeuralSDE(network(), Own(), (0, 1), dt0=0.1)(start.float())
    with pytest.raises(TypeError, match="u0 must be a tensor"):
        NeuralSDE(network(), Own(), (0, 1), dt0=0.1)([1.0, 2.0])
    with pytest.raises(ValueError, match="the module gives tuple, no tensor, for states of shape"):
        NeuralSDE(Two(), network(), (0, 1), dt0=0.1)(start)
    with pytest.raises(ValueError, match="the diffusion gives tuple, no tensor, for states of shape"):
        NeuralSDE(network(), Two(), (0, 1), dt0=0.1)(start)


@pytest.mark.parametrize("method", ["SKenCarp", "SOSRA", "ImplicitEulerMaruyama"])
def test_float32_is_close_by_implicit_methods_and_by_steps_that_follow_the_error(method):
    how = dict(rtol=0.02, atol=0.02) if method != "ImplicitEulerMaruyama" else dict(dt0=0.05)
    drift, start = network(), torch.full((3, 2), 0.5, dtype=torch.float64)
    ends = []
    for kind in (torch.float64, torch.float32):
        sde = NeuralSDE(drift, Fixed(), (0, 1), method, seed=2, **how).to(kind)
        ends.append(sde(start.to(kind)))
        ends[-1].sum().backward()
        assert ends[-1].dtype == kind and sde.drift[0].weight.grad.isfinite().all()
        drift = network()
    torch.testing.assert_close(ends[1].double(), ends[0], rtol=5e-3, atol=5e-3)
