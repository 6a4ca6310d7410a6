"""Networks as torch modules, and torch modules as networks that are compiled."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from symde.model.network import Network, read_sequential

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "softplus": nn.Softplus,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
}

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def sequential(network: Network) -> nn.Sequential:
    """A Sequential with the same layers and weights, float64; its `state_dict` has the network's names."""
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for layer in network.plan():
        modules[layer.key] = nn.Linear(layer.inputs, layer.outputs, layer.bias, dtype=torch.float64)
        if layer.activation is not None:
            place = int(layer.key) + 1 if layer.key.isdigit() else f"{layer.key}_{layer.activation}"
            modules[str(place)] = _ACTIVATIONS[layer.activation]()
    module = nn.Sequential(modules)
    module.load_state_dict({name: torch.from_numpy(one) for name, one in network.state_dict().items()})
    return module


def compiled_network(module: nn.Module) -> Network | None:
    """The network that a module is, None where it is more than Linear layers and known activations: another
    module, hooks, parametrizations, a `forward` put in place of the class's."""
    if type(module) is not nn.Sequential:
        return None
    for part in module.modules():
        if any(getattr(part, name, None) for name in _HOOKS) or "forward" in vars(part):
            return None
    try:
        layers, _ = read_sequential(module)
    except ValueError:
        return None
    return Network(layers)


def weights(module: nn.Module) -> Tensor:
    """All weights of such a module one after another, in the order of the network's; differentiable."""
    _, keys = read_sequential(module)
    found = [
        getattr(module.get_submodule(key), name).reshape(-1)
        for key in keys
        for name in ("weight", "bias")
        if getattr(module.get_submodule(key), name) is not None
    ]
    return torch.cat(found)
