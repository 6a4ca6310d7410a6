"""Networks and torch's Sequential: the same layers, names and weights both ways."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import symde
from symde.layers.sequential import compiled_network, weights
from symde.model.network import ACTIVATIONS


@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_weights_go_both_ways(activation: str | None) -> None:
    network = symde.Network([symde.Dense(3, 5, activation), symde.Dense(5, 2, bias=False)], seed=4)
    module = network.to_torch()
    assert list(module.state_dict()) == list(network.state_dict())
    x = np.random.default_rng(0).normal(size=(7, 3))
    assert np.allclose(module(torch.from_numpy(x)).detach().numpy(), network(x), rtol=1e-14, atol=1e-15)
    again = symde.Network.from_torch(module)
    assert np.array_equal(again.vector(), network.vector()) and repr(again) == repr(network)


def test_names_of_a_sequential_are_kept() -> None:
    from collections import OrderedDict

    parts = OrderedDict(first=nn.Linear(2, 3), bend=nn.Tanh(), last=nn.Linear(3, 1))
    network = symde.Network.from_torch(nn.Sequential(parts))
    assert list(network.state_dict()) == ["first.weight", "first.bias", "last.weight", "last.bias"]
    model = symde.ode_def("extern h(a, b) -> 1\nx' = h(x, t)").bind(h=network)
    assert model.parameter_names[0] == "h.first.weight[0,0]"
    assert symde.Problem(model, u0=[1.0], tspan=(0, 1), p={"h": nn.Sequential(parts)}).p.shape == (13,)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(2, 2), "expected a torch.nn.Sequential, found Linear"),
        (nn.Sequential(nn.Linear(2, 2), nn.GELU()), "`1` is a GELU"),
        (nn.Sequential(nn.Tanh(), nn.Linear(2, 2)), "`0` is a Tanh"),
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.ReLU()), "`2` is a ReLU"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softplus(beta=2)), "beta=2"),
    ],
)
def test_other_modules_are_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symde.Network.from_torch(module)
    assert compiled_network(module) is None


def test_hooks_and_parametrizations_are_not_compiled() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    assert compiled_network(module) is not None
    nn.utils.parametrizations.weight_norm(module[0])
    assert compiled_network(module) is None
    module = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    module[0].register_forward_hook(lambda *_: None)
    assert compiled_network(module) is None


def test_weights_in_one_tensor_lead_back_to_the_module() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2, bias=False))
    vector = weights(module)
    assert np.allclose(vector.detach().numpy(), symde.Network.from_torch(module).vector(), rtol=1e-7)
    (vector**2).sum().backward()
    assert all(torch.equal(one.grad, 2 * one) for one in module.parameters())


def test_a_module_in_several_places_is_read_in_each() -> None:
    torch.manual_seed(0)
    layer, activation = nn.Linear(2, 2), nn.Tanh()
    module = nn.Sequential(layer, activation, layer, activation, nn.Linear(2, 2)).double()
    x = np.random.default_rng(0).normal(size=(7, 2))
    expected = module(torch.from_numpy(x)).detach().numpy()
    assert np.allclose(symde.Network.from_torch(module)(x), expected, rtol=1e-14, atol=1e-15)


def test_a_softplus_that_is_straight_early_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold=1"):
        symde.Network.from_torch(nn.Sequential(nn.Linear(2, 2), nn.Softplus(threshold=1)))


def test_a_forward_of_its_own_is_not_compiled() -> None:
    module = nn.Sequential(nn.Linear(2, 2))
    module[0].forward = lambda x: 2 * x
    assert compiled_network(module) is None
