"""`NeuralODE`: a torch module as the right-hand side of a differential equation.

A Sequential of Linear layers and known activations on the CPU goes through compiled kernels; every other
module, and every other device, through the batched torch engine.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from torch import Tensor, nn

import symde.solve  # noqa: F401  announces how models become systems
from symde.layers import batched, inputs
from symde.layers.diffeq import CPU, TORCH, diffeq
from symde.layers.sequential import compiled_network, weights
from symde.model.bind import bound
from symde.model.definition import Definition, Layer
from symde.model.model import Model
from symde.model.network import Dense, Network
from symde.model.ode_def import ode_def
from symde.problem.problem import Problem

_OPTIONS = {
    name: default
    for name, default in (diffeq.__kwdefaults__ or {}).items()
    if name in ("dt0", "dtmax", "max_steps", "linear_solver")
}
"""The options of `diffeq` that are passed on, with their defaults."""


class NeuralODE(nn.Module):
    """The solution of u' = module(u) from an initial state that comes in.

        node = NeuralODE(nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2)), (0, 25), saveat=0.1)
        u = node(torch.tensor([2.0, 0.0]))          # (n_times, n); (batch, n_times, n) of u0 (batch, n)

    Differentiable by u0, the module's weights, tspan and saveat. What comes out has the type of the weights
    and u0; the compiled engine solves in float64.

    Args:
        module: Gives du/dt, shape (batch, n), of u, shape (batch, n); or of t, shape (batch, 1), and u, where
            its `forward` takes two arguments.
        tspan: (t0, t1), numbers or tensors; `forward` may replace it.
        method: As in `symde.solve`. Default: Tsit5, below rtol 1e-6 Vern7.
        saveat: Times to save, a tensor or a list, or their distance; `forward` may replace it. Default: the
            end alone.
        rtol, atol: Tolerances of a step.
        sensealg: How to differentiate, as in `symde.layers.diffeq`; the torch engine has "discrete"
            (default), "interpolating" and "tape".
        backend: "cpu" for compiled kernels, "torch" for the batched torch engine. Default: "cpu" where the
            module is a Sequential of Linear and Tanh, ReLU, Softplus, Sigmoid or SiLU, with its weights and
            u0 on the CPU, and "torch" elsewhere.
        options: dt0, dtmax, max_steps and linear_solver, as in `symde.solve`.

    Raises:
        ValueError, TypeError: the module does not give what it should, cannot be compiled though it should
            be, or an option is not what it should be.
    """

    def __init__(
        self,
        module: nn.Module,
        tspan: Any,
        method: Any = None,
        *,
        saveat: Any = None,
        rtol: float = 1e-6,
        atol: Any = 1e-9,
        sensealg: str = "discrete",
        backend: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if not isinstance(module, nn.Module):
            raise TypeError(f"expected a torch.nn.Module, found {type(module).__name__}")
        if backend not in (None, CPU, TORCH):
            raise ValueError(f"unknown backend {backend!r}: there are 'cpu' and 'torch'")
        if unknown := options.keys() - _OPTIONS.keys():
            raise TypeError(f"NeuralODE has no option `{min(unknown)}`: there are {', '.join(_OPTIONS)}")
        self.module, self.tspan, self.saveat, self.backend = module, tspan, saveat, backend
        self.method = method or ("Tsit5" if rtol >= 1e-6 else "Vern7")
        self.options: dict[str, Any] = dict(rtol=rtol, atol=atol, **_OPTIONS | options)
        self.sensealg = sensealg
        network = compiled_network(module)
        if network is not None:
            _require_square(network)
        elif backend == CPU:
            raise ValueError(
                "this module is not compiled: symde compiles an nn.Sequential of Linear, each followed by at "
                "most one of Tanh, ReLU, Softplus, Sigmoid and SiLU, without hooks; leave backend out"
            )

    def forward(self, u0: Tensor, *, tspan: Any = None, saveat: Any = None) -> Tensor:
        """The saved states, shape (n_times, n), or (batch, n_times, n) of a batch.

        Args:
            u0: Initial state, shape (n,) or (batch, n).
            tspan, saveat: In place of the layer's.
        """
        if not isinstance(u0, Tensor):
            raise TypeError(f"u0 must be a tensor, found {type(u0).__name__}")
        if u0.ndim not in (1, 2):
            raise ValueError(f"u0 must be of shape (n,) or (batch, n), found {tuple(u0.shape)}")
        tspan = self.tspan if tspan is None else tspan
        saveat = self.saveat if saveat is None else saveat
        network = None if self.backend == TORCH else compiled_network(self.module)
        if network is None or self.backend is None and inputs.elsewhere((u0, *self.module.parameters())):
            return self._batched(u0, tspan, saveat)
        given, problem = weights(self.module), _problem(network.plan())
        options = dict(u0=u0, tspan=tspan, saveat=saveat, sensealg=self.sensealg, backend=CPU)
        return diffeq(given, problem, self.method, **options, **self.options)

    @batched.uncompiled
    def _batched(self, u0: Tensor, tspan: Any, saveat: Any) -> Tensor:
        """By the batched engine, with the module as it is."""
        inputs.checked(u0, "u0")
        inputs.home_of(self.module.parameters(), u0=u0)
        rhs = Columns(self.module)
        words = batched.Words(_names(u0.shape[-1]), None, lambda: problem_of(rhs, u0.shape[-1]))
        span = inputs.given_span(tspan)
        times = None if saveat is None else inputs.save_times(saveat, span)
        solving = dict(method=self.method, **self.options)
        return batched.solve(rhs, words, u0, None, span, times, self.sensealg, solving, (self.module,))

    def extra_repr(self) -> str:
        """Time span, method and what is saved."""
        return f"tspan={self.tspan!r}, method={self.method!r}, saveat={self.saveat!r}"


class Columns:
    """A module of rows as a right-hand side of columns. It is none itself: to call one takes 2 us more."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.timed = _takes_time(module)
        self.autonomous = not self.timed

    def __call__(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """(n, B) of (n, B)."""
        rows = u.T
        given = (t.to(u.dtype).reshape(-1, 1).expand(len(rows), 1), rows) if self.timed else (rows,)
        slopes = self.module(*given)
        if not isinstance(slopes, Tensor) or slopes.shape != rows.shape:
            raise ValueError(
                f"the module gives {what_it_gives(slopes)} for states of shape {tuple(rows.shape)}: it "
                "must give one slope for each"
            )
        return slopes.T


def what_it_gives(value: Any) -> str:
    """What a module gives, in words."""
    if isinstance(value, Tensor):
        return f"shape {tuple(value.shape)}"
    return f"{type(value).__name__}, no tensor,"


def _takes_time(module: nn.Module) -> bool:
    """Whether a module is called with the time before the states."""
    if isinstance(module, nn.Sequential):
        return False
    forward: Any = module.forward
    function = getattr(forward, "__func__", None)  # of a method; to read a signature takes 20 us
    return _required(forward) == 2 if function is None else _required_once(function) == 3


def _required(function: Any) -> int:
    """How many arguments must be given."""
    parameters = inspect.signature(function).parameters.values()
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return sum(one.kind in kinds and one.default is one.empty for one in parameters)


_required_once = functools.lru_cache(256)(_required)


class _Timed(nn.Module):
    """A module of time and states as one of rows that begin with the time."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, rows: Tensor) -> Tensor:
        """(B, n) of (B, 1 + n)."""
        return self.module(rows[:, :1], rows[:, 1:])


def problem_of(rhs: Columns, n: int) -> Problem:
    """The problem that `symde.solve` would be given, whose model calls the module; its numbers are others."""
    definition = _calling(n, ("t",) if rhs.timed else ())
    function = _Timed(rhs.module) if rhs.timed else rhs.module
    return Problem(Model(bound(definition, {"net": function})), u0=[0.0] * n, tspan=(0.0, 1.0))


def _names(n: int) -> tuple[str, ...]:
    return tuple(f"u{i + 1}" for i in range(n))


@functools.lru_cache(32)
def _calling(n: int, before: tuple[str, ...] = ()) -> Definition:
    """The model u' = net(u), or net(t, u)."""
    names = _names(n)
    arguments, slopes = ", ".join((*before, *names)), ", ".join(f"{name}'" for name in names)
    call = f"({slopes}) = net({arguments})" if n > 1 else f"{slopes} = net({arguments})"
    parameters = ", ".join((*(f"{one}_" for one in before), *names))
    return ode_def(f"extern net({parameters}) -> {n}\n{call}", parameters=()).definition


def _require_square(network: Network) -> None:
    inputs, outputs = network.layers[0].inputs, network.layers[-1].outputs
    if inputs != outputs:
        raise ValueError(
            f"the module reads {inputs} values and gives {outputs}: as u' = module(u) it must give one slope "
            "for each state"
        )


@functools.lru_cache(32)
def _problem(layers: tuple[Layer, ...]) -> Problem:
    """A problem whose right-hand side is a network of such layers; its numbers are always given anew."""
    network = Network([Dense(one.inputs, one.outputs, one.activation, one.bias) for one in layers])
    n = layers[0].inputs
    return Problem(Model(bound(_calling(n), {"net": network})), u0=[0.0] * n, tspan=(0.0, 1.0))
