"""`NeuralSDE`: torch modules as drift and diffusion of a stochastic differential equation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from symde.codegen.noise import NoiseKind
from symde.engine.noise.registry import get, is_auto, method_for
from symde.layers import batched, inputs
from symde.layers.modules_of_noise import SHAPES, ModulesOfNoise, kind_of
from symde.layers.neural_batch import Columns
from symde.layers.neural_ode import problem_of
from symde.layers.path_steps import PathOptions
from symde.layers.paths import Told, seed_of, solve_paths
from symde.problem import options


class NeuralSDE(nn.Module):
    """Paths of dx = drift(x) dt + diffusion(x) dW, in the sense of Ito, from an initial state that comes in.

        drift = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2))
        sde = NeuralSDE(drift, nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()), (0, 1), dt0=0.01, saveat=0.1)
        u = sde(torch.zeros(100, 2))                # (100, n_times, 2): a path from each of 100 states

    Differentiable by u0 and the weights, along the paths: what comes out is the derivative of the computed
    numbers. Member i of a batch is the path i of a seed; without a seed every call draws one, as
    `torch.manual_seed` determines it, and `last_seed` tells it. With a seed all calls see the same noise.

    Args:
        drift: Gives the drift, shape (batch, n), of x, shape (batch, n); or of t, shape (batch, 1), and x,
            where its `forward` takes two arguments.
        diffusion: Likewise gives the coefficients of the noise: shape (batch, n) for "diagonal" and "scalar",
            (batch, n, m) for "general" noise of m Brownian motions.
        tspan: (t0, t1), numbers; `forward` may replace it.
        method: A name or object of `symde.engine.noise`. Default, or "auto": SOSRA where no state changes the
            noise; SRIW1 where it is scalar, or each state has its own whose coefficient reads that state
            alone; else EulerMaruyama, as modules need not be smooth (Milstein's method takes a derivative
            along the coefficients of each motion). What coefficients read is looked up at random states with
            random weights.
        noise: "diagonal" (a Brownian motion for each state), "scalar" (one for all) or "general".
        dt0: Size of the steps; where the span is no multiple of it, of the next smaller of which it is one.
            With tolerances the first step that is tried.
        rtol, atol: Tolerances of steps that follow the error, each path by its own, of methods of strong
            order 1.5, of SPaRK, and of EulerMaruyama; the one that is not given is 0.01. Default: steps of
            the size dt0.
        saveat: Times to save, a tensor or a list, or their distance; `forward` may replace it. Default: the
            end alone.
        seed: For the same noise in every call; `forward` may replace it.
        sensealg: "discrete", which does steps again backward and keeps no operations, or "tape", which keeps
            all: for second derivatives and `torch.func`.
        max_steps: Limit on the steps.

    Raises:
        ValueError, TypeError: a module does not give what it should, or an option is not what it should be.
    """

    def __init__(
        self,
        drift: nn.Module,
        diffusion: nn.Module,
        tspan: Any,
        method: Any = None,
        *,
        noise: str = "diagonal",
        dt0: float | None = None,
        rtol: float | None = None,
        atol: Any = None,
        saveat: Any = None,
        seed: int | None = None,
        sensealg: str = "discrete",
        max_steps: int = options.DEFAULT_MAX_STEPS,
    ) -> None:
        super().__init__()
        for what, module in (("drift", drift), ("diffusion", diffusion)):
            if not isinstance(module, nn.Module):
                raise TypeError(f"{what} must be a torch.nn.Module, found {type(module).__name__}")
        if noise not in SHAPES:
            raise ValueError(f"unknown noise {noise!r}: there are {', '.join(map(repr, SHAPES))}")
        if seed is not None:
            seed_of(seed)
        self.drift, self.diffusion, self.tspan, self.noise = drift, diffusion, tspan, noise
        self.method = None if is_auto(method) else get(method)
        self.dt0, self.saveat, self.seed = dt0, saveat, seed
        self.rtol, self.atol = rtol, atol
        self.sensealg, self.max_steps = sensealg, max_steps
        self.last_seed: int | None = None
        self._kinds: dict[int, NoiseKind] = {}

    @batched.uncompiled
    def forward(
        self,
        u0: Tensor,
        *,
        tspan: Any = None,
        saveat: Any = None,
        seed: int | None = None,
        trajectory: int = 0,
    ) -> Tensor:
        """The saved states, shape (n_times, n), or (batch, n_times, n) of a batch of paths.

        Args:
            u0: Initial state, shape (n,) or (batch, n).
            tspan, saveat, seed: In place of the layer's.
            trajectory: Number of the first path of the seed.
        """
        if not isinstance(u0, Tensor):
            raise TypeError(f"u0 must be a tensor, found {type(u0).__name__}")
        if u0.ndim not in (1, 2):
            raise ValueError(f"u0 must be of shape (n,) or (batch, n), found {tuple(u0.shape)}")
        inputs.checked(u0, "u0")
        inputs.home_of(self.parameters(), u0=u0)
        self._require_type(u0)
        n = u0.shape[-1]
        if n not in self._kinds:
            self._kinds[n] = kind_of(self.diffusion, self.noise, u0.detach())
        kind = self._kinds[n]
        equation = ModulesOfNoise(self.drift, self.diffusion, self.noise, u0, kind)
        method = method_for(self.method, kind, smooth=False)
        self.last_seed = seed_of(self.seed if seed is None else seed)
        how = PathOptions(
            method, self.dt0, self.last_seed, trajectory, self.sensealg, self.max_steps, self.rtol, self.atol
        )
        names = tuple(f"u{i + 1}" for i in range(n))
        told = Told(names, (), lambda: problem_of(Columns(self.drift), n))
        span = inputs.given_span(self.tspan if tspan is None else tspan)
        times = self.saveat if saveat is None else saveat
        return solve_paths(equation, told, u0, None, span, times, how, (self.drift, self.diffusion))

    def _require_type(self, u0: Tensor) -> None:
        """Refuse states of another type than the weights.

        Raises:
            TypeError: they are.
        """
        for one in self.parameters():
            if one.is_floating_point() and one.dtype != u0.dtype:
                types = [str(kind).removeprefix("torch.") for kind in (one.dtype, u0.dtype)]
                raise TypeError(
                    f"the modules have {types[0]} weights, and u0 is {types[1]}: write u0.to({one.dtype}), "
                    f"or {'double' if u0.dtype == torch.float64 else 'float'}() of the layer"
                )

    def extra_repr(self) -> str:
        """Time span, method, noise and what is saved."""
        name = None if self.method is None else self.method.name
        return (
            f"tspan={self.tspan!r}, method={name!r}, noise={self.noise!r}, dt0={self.dt0!r}, "
            f"saveat={self.saveat!r}"
        )


class Multiplicative(nn.Module):
    """Noise in proportion to the states: diag(scale) x.

    Args:
        scale: Of each state, or one for all; learned.
    """

    def __init__(self, scale: Any) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.as_tensor(scale).detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """The coefficients, shape (batch, n)."""
        return self.scale * x


def neural_dmsde(drift: nn.Module, scale: Any, tspan: Any, method: Any = None, **how: Any) -> NeuralSDE:
    """A neural network as drift, and diagonal multiplicative noise: dx = drift(x) dt + diag(scale) x dW.

    Args:
        drift, tspan, method, how: As of `NeuralSDE`.
        scale: Of the noise of each state, or one for all; learned beside the network.
    """
    return NeuralSDE(drift, Multiplicative(scale), tspan, method, noise="diagonal", **how)
