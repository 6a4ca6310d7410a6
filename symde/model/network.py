"""Networks of dense layers: what a function from outside may be bound to and compiled with a model.

The weights of a network become parameters of the model, named as a `state_dict` of torch names them behind
the function's name: `net.0.weight[i,j]` and `net.0.bias[i]`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symde.model.definition import Definition, Extern, Layer

ACTIVATIONS = ("tanh", "relu", "softplus", "sigmoid", "silu")

_MODULES = {
    "Tanh": "tanh",
    "ReLU": "relu",
    "Softplus": "softplus",
    "Sigmoid": "sigmoid",
    "SiLU": "silu",
}
"""torch's modules of the same meaning."""


class Dense:
    """A dense layer: activation(weight @ x + bias).

    Args:
        inputs, outputs: Numbers of values that it reads and gives.
        activation: "tanh", "relu", "softplus", "sigmoid", "silu", or None for none.
        bias: Whether a bias is added.

    Raises:
        ValueError, TypeError: a size is no whole number from 1 on, or the activation is not known.
    """

    __slots__ = ("inputs", "outputs", "activation", "bias")

    def __init__(self, inputs: int, outputs: int, activation: str | None = None, bias: bool = True) -> None:
        for name, size in (("inputs", inputs), ("outputs", outputs)):
            if isinstance(size, bool) or not isinstance(size, int | np.integer):
                raise TypeError(f"{name} of a layer must be a whole number, found {size!r}")
            if size < 1:
                raise ValueError(f"{name} of a layer must be 1 at least, found {size}")
        if activation is not None and activation not in ACTIVATIONS:
            known = ", ".join(f'"{one}"' for one in ACTIVATIONS)
            raise ValueError(f"unknown activation {activation!r}: symde compiles {known}, and None")
        self.inputs, self.outputs = int(inputs), int(outputs)
        self.activation, self.bias = activation, bool(bias)

    def __repr__(self) -> str:
        activation = "" if self.activation is None else f', "{self.activation}"'
        return f"Dense({self.inputs}, {self.outputs}{activation}{'' if self.bias else ', bias=False'})"


class Network:
    """Dense layers one after another, with weights.

        network = symde.Network([symde.Dense(2, 50, "tanh"), symde.Dense(50, 2)], seed=1)
        model = model.bind(net=network)

    A bound model keeps the layers and takes the weights as defaults of its parameters; later changes of the
    network do not reach it: give them with `p={"net": network}`.

    Args:
        layers: The layers; each gives what the next one reads.
        seed: Of the random weights, uniform in +-1/sqrt(inputs) as torch's `Linear` begins.

    Attributes:
        layers: The layers.

    Raises:
        ValueError, TypeError: no layers, or sizes that do not fit.
    """

    def __init__(self, layers: Sequence[Dense], seed: int = 0) -> None:
        self.layers = tuple(layers)
        if not self.layers:
            raise ValueError("a network has one layer at least")
        for one in self.layers:
            if not isinstance(one, Dense):
                raise TypeError(f"layers of a network are symde.Dense(...), found {type(one).__name__}")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.outputs != after.inputs:
                raise ValueError(f"{before} gives {before.outputs} values, and {after} reads {after.inputs}")
        self._keys = _positions(self.layers)
        random = np.random.default_rng(seed)
        self._weights: dict[str, np.ndarray] = {}
        for name, shape, layer in weights_of(self.plan()):
            bound = 1.0 / math.sqrt(layer.inputs)
            self._weights[name] = random.uniform(-bound, bound, shape)

    def plan(self) -> tuple[Layer, ...]:
        """The layers as plain data."""
        return tuple(
            Layer(key, one.inputs, one.outputs, one.activation, one.bias)
            for key, one in zip(self._keys, self.layers, strict=True)
        )

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of the weights by the names that torch gives them: "0.weight" (outputs, inputs), "0.bias"
        (outputs,); an activation counts as a module of its own."""
        return {name: values.copy() for name, values in self._weights.items()}

    def load_state_dict(self, weights: Mapping[str, Any]) -> None:
        """Take weights by the names of `state_dict`; arrays, or torch tensors of any device.

        Raises:
            ValueError: names or shapes differ.
        """
        missing = [name for name in self._weights if name not in weights]
        unknown = [name for name in weights if name not in self._weights]
        if missing or unknown:
            told = [f"missing {', '.join(missing)}"] if missing else []
            told += [f"unknown {', '.join(unknown)}"] if unknown else []
            raise ValueError(f"weights of another network: {'; '.join(told)}")
        found = {name: as_array(weights[name]) for name in self._weights}
        for name, values in found.items():
            if values.shape != self._weights[name].shape:
                expected = self._weights[name].shape
                raise ValueError(f"expected {name} of shape {expected}, found {values.shape}")
        self._weights = found

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(values.size for values in self._weights.values())

    def vector(self) -> np.ndarray:
        """All weights one after another, shape (size,)."""
        return np.concatenate([values.ravel() for values in self._weights.values()])

    def with_vector(self, vector: Any) -> Network:
        """The network with other weights, given one after another, shape (size,)."""
        values = np.asarray(vector, dtype=float)
        if values.shape != (self.size,):
            raise ValueError(f"expected {self.size} weights, found shape {values.shape}")
        new = object.__new__(Network)
        new.layers, new._keys = self.layers, self._keys
        new._weights, start = {}, 0
        for name, old in self._weights.items():
            new._weights[name] = values[start : start + old.size].reshape(old.shape).copy()
            start += old.size
        return new

    def __call__(self, x: Any) -> np.ndarray:
        """The values of the network, shape (..., outputs), of inputs (..., inputs)."""
        values = np.asarray(x, dtype=float)
        if values.shape[-1:] != (self.layers[0].inputs,):
            raise ValueError(
                f"expected {self.layers[0].inputs} inputs in the last axis, found {values.shape}"
            )
        for layer in self.plan():
            values = values @ self._weights[f"{layer.key}.weight"].T
            if layer.bias:
                values = values + self._weights[f"{layer.key}.bias"]
            values = _activated(layer.activation, values)
        return values

    @classmethod
    def from_torch(cls, module: Any) -> Network:
        """The network of a `torch.nn.Sequential` of `Linear` and activations, with its weights in float64.

        Raises:
            ValueError: the module holds anything else.
        """
        layers, keys = read_sequential(module)
        network = cls(layers)
        old, network._keys = network._keys, keys
        network._weights = {
            f"{keys[old.index(name.rpartition('.')[0])]}.{name.rpartition('.')[2]}": values
            for name, values in network._weights.items()
        }
        network.load_state_dict(dict(module.state_dict()))
        return network

    def to_torch(self) -> Any:
        """A `torch.nn.Sequential` with the same layers and weights, float64."""
        import importlib

        # torch belongs to the floor of layers alone, and is loaded where it is asked for
        return importlib.import_module("symde.layers.sequential").sequential(self)

    def __repr__(self) -> str:
        return f"Network([{', '.join(map(repr, self.layers))}])"


def _positions(layers: Sequence[Dense]) -> tuple[str, ...]:
    """The places that torch would give the layers in a Sequential, where activations have their own."""
    keys, place = [], 0
    for one in layers:
        keys.append(str(place))
        place += 1 if one.activation is None else 2
    return tuple(keys)


def _activated(activation: str | None, x: np.ndarray) -> np.ndarray:
    match activation:
        case "tanh":
            return np.tanh(x)
        case "relu":
            return np.maximum(0.0, x)
        case "softplus":
            return np.logaddexp(0.0, x)
        case "sigmoid":
            return 0.5 + 0.5 * np.tanh(0.5 * x)
        case "silu":
            return x * (0.5 + 0.5 * np.tanh(0.5 * x))
    return x


def as_array(values: Any) -> np.ndarray:
    """A float64 copy of an array or of a torch tensor."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.array(values, dtype=float)


def read_sequential(module: Any) -> tuple[list[Dense], tuple[str, ...]]:
    """The layers of a `torch.nn.Sequential` of `Linear` and activations, and their names within it.

    Raises:
        ValueError: it holds something else, or an activation that does not follow a `Linear`.
    """
    if not type(module).__module__.startswith("torch.nn") or type(module).__name__ != "Sequential":
        raise ValueError(f"expected a torch.nn.Sequential, found {type(module).__name__}")
    layers: list[Dense] = []
    keys: list[str] = []
    # named_children leaves out a module that stands in several places
    for key, part in module._modules.items():
        kind = type(part).__name__ if type(part).__module__.startswith("torch.nn") else ""
        if kind == "Linear":
            layers.append(Dense(part.in_features, part.out_features, None, part.bias is not None))
            keys.append(key)
        elif kind in _MODULES and layers and layers[-1].activation is None:
            if kind == "Softplus" and part.beta != 1:
                raise ValueError(f"Softplus with beta={part.beta} is not compiled: symde has beta=1")
            if kind == "Softplus" and part.threshold < 20:
                raise ValueError(
                    f"Softplus with threshold={part.threshold} is not compiled: symde has torch's 20 or more"
                )
            layers[-1].activation = _MODULES[kind]
        elif kind != "Identity":
            raise ValueError(
                f"`{key}` is a {type(part).__name__}: symde compiles Linear layers, each followed by at most "
                f"one of {', '.join(_MODULES)}; bind the module itself to use the torch engine"
            )
    return layers, tuple(keys)


def weights_of(layers: Sequence[Layer]) -> Iterator[tuple[str, tuple[int, ...], Layer]]:
    """Name, shape and layer of each array of weights, in order."""
    for layer in layers:
        yield f"{layer.key}.weight", (layer.outputs, layer.inputs), layer
        if layer.bias:
            yield f"{layer.key}.bias", (layer.outputs,), layer


def element_names(extern: Extern) -> Iterator[str]:
    """Names of the parameters that are weights of a bound network, in order."""
    for name, shape, _ in weights_of(extern.layers or ()):
        for place in np.ndindex(*shape):
            yield f"{extern.name}.{name}[{','.join(map(str, place))}]"


def weight_names(definition: Definition) -> set[str]:
    """Names of all parameters that are weights of networks."""
    return {name for one in definition.externs for name in element_names(one)}
