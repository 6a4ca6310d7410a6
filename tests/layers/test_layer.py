"""`DiffEqLayer` is a module like any other."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn

import symde
from symde.layers import DiffEqLayer, diffeq
from symde.layers.named_values import NamedValues
from tests.layers.models import FOLLOWING_PROBLEM, LOTKA_PROBLEM, double


def test_all_parameters_are_learnt_by_default():
    layer = DiffEqLayer(LOTKA_PROBLEM, saveat=0.5, dtype=torch.float64)
    assert list(layer.state_dict()) == ["p.a", "p.b", "p.c", "p.d"]
    with torch.no_grad():
        assert torch.equal(layer(), diffeq(None, LOTKA_PROBLEM, saveat=0.5))
    layer().sum().backward()
    p = double(2.2, 1.0, 2.0, 0.4).requires_grad_()
    diffeq(p, LOTKA_PROBLEM, saveat=0.5).sum().backward()
    assert torch.equal(torch.stack([one.grad for one in layer.parameters()]), p.grad)


def test_some_parameters_are_learnt_and_the_others_follow():
    layer = DiffEqLayer(FOLLOWING_PROBLEM, p="r", dtype=torch.float64)
    assert [name for name, _ in layer.named_parameters()] == ["p.r"]
    with torch.no_grad():
        layer.p["r"].fill_(0.9)
    problem = symde.remake(FOLLOWING_PROBLEM, p={"r": 0.9})
    assert layer().item() == pytest.approx(symde.solve(problem).u[-1, 0], rel=1e-5)


def test_initial_values_are_learnt():
    layer = DiffEqLayer(LOTKA_PROBLEM, p=["b"], u0="learnable", saveat=1.0)
    assert list(layer.state_dict()) == ["p.b", "u0.x", "u0.y"]
    layer().sum().backward()
    assert all(one.grad is not None and one.grad != 0 for one in layer.parameters())
    some = DiffEqLayer(LOTKA_PROBLEM, p="fixed", u0=["y"], saveat=1.0, dtype=torch.float64)
    assert list(some.state_dict()) == ["u0.y"]
    with torch.no_grad():
        assert torch.equal(some(), diffeq(None, LOTKA_PROBLEM, saveat=1.0))


def test_a_layer_in_a_sequence():
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Linear(3, 4),
        nn.Softplus(),
        DiffEqLayer(LOTKA_PROBLEM, p="incoming", saveat=1.0),
        nn.Flatten(),
        nn.Linear(22, 2),
    )
    out = net(torch.randn(5, 3))
    assert out.shape == (5, 2) and out.dtype == torch.float32
    out.sum().backward()
    assert all(one.grad is not None and one.grad.isfinite().all() for one in net.parameters())
    net.double()
    assert net(torch.randn(5, 3, dtype=torch.float64)).dtype == torch.float64


def test_parameters_and_initial_values_come_in_together():
    layer = DiffEqLayer(LOTKA_PROBLEM, p="incoming", u0="incoming", saveat=1.0)
    p, u0 = torch.tensor([2.0, 1.0, 2.0, 0.5]), torch.ones(3, 2)
    assert torch.equal(layer(p, u0), diffeq(p, LOTKA_PROBLEM, u0=u0, saveat=1.0))
    only = DiffEqLayer(LOTKA_PROBLEM, p="fixed", u0="incoming", saveat=1.0)
    assert only(u0).shape == (3, 11, 2) and not list(only.parameters())


def test_a_layer_is_saved_loaded_copied_and_converted():
    layer = DiffEqLayer(LOTKA_PROBLEM, saveat=1.0)
    with torch.no_grad():
        layer.p["a"].mul_(1.1)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    other = DiffEqLayer(LOTKA_PROBLEM, saveat=1.0)
    file.seek(0)
    other.load_state_dict(torch.load(file))
    for same in (other, copy.deepcopy(layer)):
        assert torch.equal(same(), layer())
    assert layer.to(torch.float64)().dtype == torch.float64
    assert layer.to("meta").p["a"].device.type == "meta"
    with pytest.raises(TypeError, match="no values"):
        layer()


def test_a_whole_layer_is_pickled():
    layer = DiffEqLayer(LOTKA_PROBLEM, "Tsit5", saveat=1.0)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(), layer())


def test_a_layer_tells_what_it_is():
    text = repr(DiffEqLayer(LOTKA_PROBLEM, "Tsit5", p="incoming", saveat=1.0))
    assert "Problem Lotka" in text and "p='incoming'" in text and "saveat=1.0" in text


def test_names_of_methods_of_modules_may_be_learnt():
    problem = symde.Problem("param half = 0.5, type = 1\nx' = -half*x + type", u0=[1.0], tspan=(0, 1))
    layer = DiffEqLayer(problem)
    assert list(layer.state_dict()) == ["p.half", "p.type"]
    layer.double()().sum().backward()
    assert layer.p["half"].grad is not None


def test_elements_of_an_array_are_one_parameter():
    names = [
        "k",
        *(f"net.0.weight[{i},{j}]" for i in range(2) for j in range(3)),
        "net.0.bias[0]",
        "net.0.bias[1]",
    ]
    values = NamedValues({name: float(place) for place, name in enumerate(names)}, torch.float64)
    shapes = {name: tuple(value.shape) for name, value in values.state_dict().items()}
    assert shapes == {"k": (), "net.0.weight": (2, 3), "net.0.bias": (2,)}
    assert torch.equal(values.in_order(), torch.arange(9, dtype=torch.float64))
    assert values["net.0.weight[1,2]"].item() == 6.0
    assert [value.item() for value in values.by_name().values()] == list(range(9))


def test_elements_out_of_order_keep_their_places():
    values = NamedValues({"w[1]": 1.0, "k": 5.0, "w[0]": 0.0, "v[1]": 7.0}, torch.float64)
    assert values.in_order().tolist() == [1.0, 5.0, 0.0, 7.0]
    assert set(values.state_dict()) == {"w", "k", "v[1]"}
    with pytest.raises(KeyError, match="is not learnt"):
        values["z"]


def test_a_learnt_value_may_be_parametrized():
    class Positive(nn.Module):
        def forward(self, x):
            return x.exp()

        def right_inverse(self, x):
            return x.log()

    layer = DiffEqLayer(LOTKA_PROBLEM, saveat=0.5, dtype=torch.float64)
    nn.utils.parametrize.register_parametrization(layer.p, "a", Positive())
    layer().sum().backward()
    a = double(2.2).log().requires_grad_()
    diffeq({"a": a.exp()[0]}, LOTKA_PROBLEM, saveat=0.5).sum().backward()
    torch.testing.assert_close(layer.p.parametrizations["a"].original.grad, a.grad[0], rtol=1e-4, atol=0)


def test_half_precision_of_automatic_casts_is_taken_as_float32():
    net = nn.Sequential(nn.Linear(2, 4), nn.Softplus(), DiffEqLayer(LOTKA_PROBLEM, p="incoming", saveat=0.5))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        u = net(torch.rand(3, 2))
    u.sum().backward()
    assert u.dtype == torch.float32 and net[0].weight.grad is not None
