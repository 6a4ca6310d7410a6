"""How steps that follow the error get their sizes: of any size, by halving, or before their noise is known.
One class a way; ends of steps are those of the compiled engine.

Sources are told there: `symde.engine.cpu.compiled.noise_adaptive`, `noise_halving` and `noise_previsible`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from symde.engine.batched.paths.brownian_tree import BrownianTree
from symde.engine.batched.paths.steps import Step, Stepper, root_of
from symde.engine.batched.record import cheap_looks
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_layout import LEVELS
from symde.engine.noise.method import NoiseMethod

SAFETY, SHRINK, GROW = 0.8, 0.2, 2.0
EXPONENT = 2.0 / 3.0
"""The error of a step goes with h^(3/2)."""

AREA_EXPONENT = 1.0
"""That of general noise goes with h."""

GRAIN_BITS = 5
"""Sizes have at least 2^5 parts: ends of steps are early in the tree then, and found faster."""

SIGNS = 2 << LEVELS
"""Numbers of random numbers from here on, beyond those of the intervals of a Brownian motion."""

FORGET = 0.5
"""Part of a step's own mean square error in that by which sizes are chosen before their noise is known."""

WRONG = 1e30
"""An error where something is no number."""

RUNNING = -1
"""Beside the values of `Status`."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where members are before a step, all in ticks, int64, shape (B,).

    Attributes:
        at: Where the step begins.
        wanted: The size that it shall have.
        since, stop: The stretch between times to save that it lies in.
    """

    at: Tensor
    wanted: Tensor
    since: Tensor
    stop: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """A step that was tried.

    Attributes:
        size: In ticks, int64, shape (B,).
        at: Where it begins, likewise.
        t, h: The same as numbers, shape (B,); h of the states' type.
        u, p: Where it began, and the parameters.
        step: Where it leads.
    """

    size: Tensor
    at: Tensor
    t: Tensor
    h: Tensor
    u: Tensor
    p: Tensor | None
    step: Step


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What becomes of a step, shape (B,) each.

    Attributes:
        accepted: Whether it counts.
        wanted: The size that the next one shall have.
        status: How the path ends, `RUNNING` where it goes on.
    """

    accepted: Tensor
    wanted: Tensor
    status: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Tolerances:
    """rtol, and atol of shape (n, 1)."""

    rtol: float
    atol: Tensor

    def over(self, error: Tensor, old: Tensor, new: Tensor) -> Tensor:
        """The largest error of a state over its tolerance, `WRONG` where it is no number, shape (B,)."""
        largest, error = torch.maximum(new.abs(), old.abs()).double(), error.double()
        ratio = torch.where(error == 0.0, 0.0, error / (self.atol + self.rtol * largest))
        return torch.where(~(ratio <= WRONG) | ~torch.isfinite(new), WRONG, ratio).amax(0)


class StepSizes(Protocol):
    """A way to sizes."""

    def end(self, place: Place) -> Tensor:
        """Where the next step ends, if it counts."""
        ...

    def judge(self, place: Place, tried: Tried) -> Verdict:
        """What becomes of a step."""
        ...


class Free:
    """Steps of any size: one that is rejected is tried again on the same Brownian motion.

    Args:
        tolerances: Of steps.
    """

    exponent = EXPONENT

    def __init__(self, tolerances: Tolerances) -> None:
        self._tolerances = tolerances

    def end(self, place: Place) -> Tensor:
        """Where the next step ends, if it counts."""
        return torch.minimum(rounded(place.at, place.wanted), place.stop)

    def judge(self, place: Place, tried: Tried) -> Verdict:
        """What becomes of a step, by its error."""
        step, size = tried.step, tried.size
        assert step.error is not None
        error = self._tolerances.over(step.error, tried.u, step.u)
        if step.diverged is not None:
            error = torch.where(step.diverged, WRONG, error)
        accepted = error <= 1.0
        ideal = size.double() * SAFETY * error.clamp(min=1e-9) ** -self.exponent
        why = torch.where(error < WRONG, int(Status.STEP_TOO_SMALL), int(Status.NON_FINITE))
        status = torch.where(~accepted & (size == 1), why, RUNNING)
        return Verdict(accepted, next_size(place, size, ideal, accepted), status)


class Halved(Free):
    """Steps that are intervals of a tree: where noise does not commute."""

    exponent = AREA_EXPONENT

    def end(self, place: Place) -> Tensor:
        """The end of the largest interval that begins here and is not above what is wanted."""
        begin, end, looks = place.since, place.stop, cheap_looks(place.at.device)
        for _ in range(LEVELS + 1):
            found = (begin == place.at) & (end - begin <= place.wanted)
            if looks and bool(found.all()):
                break
            middle = begin + ((end - begin) >> 1)
            late = place.at >= middle
            begin, end = (
                torch.where(~found & late, middle, begin),
                torch.where(found | late, end, middle),
            )
        return end


class Previsible:
    """Steps whose size is chosen before their noise is known, by what they change at a point that they may
    come to as well as to any other.

    Args:
        tolerances: Of steps.
        stepper: Equation and method.
        tree: Has the signs of these points.
    """

    def __init__(self, tolerances: Tolerances, stepper: Stepper, tree: BrownianTree) -> None:
        self._tolerances, self._stepper, self._tree = tolerances, stepper, tree
        self._pace = torch.full_like(tree.paths, -1.0, dtype=torch.float64)

    def end(self, place: Place) -> Tensor:
        """Where the next step ends, if it counts."""
        return torch.minimum(rounded(place.at, place.wanted), place.stop)

    def judge(self, place: Place, tried: Tried) -> Verdict:
        """What becomes of a step: a smallest one is taken whatever its error is."""
        size, error = tried.size, self._foretold(tried)
        smallest = size == 1
        counts = (error <= 1.0) | (smallest & (error < WRONG))
        accepted = counts & torch.isfinite(tried.step.u).all(0)
        share = (error / size) ** 2
        pace = torch.where(self._pace >= 0.0, FORGET * share + (1.0 - FORGET) * self._pace, share)
        self._pace = torch.where(counts, pace, self._pace)
        ideal = torch.where(
            counts, SAFETY / torch.sqrt(pace).clamp(min=1e-300), size.double() * SAFETY / error
        )
        wanted = next_size(place, size, ideal, counts)
        status = torch.where(~accepted & (counts | smallest), int(Status.NON_FINITE), RUNNING)
        return Verdict(accepted, wanted, status)

    def _foretold(self, tried: Tried) -> Tensor:
        """The error over its tolerance, shape (B,)."""
        stepper, h, u = self._stepper, tried.h, tried.u
        assert tried.step.first is not None
        f, g = tried.step.first
        signs = torch.where(self._tree.pairs((SIGNS + tried.at)[None])[0][0] > 0.0, 1.0, -1.0).to(u.dtype)
        point = stepper.to_rows.add(u + h * f, root_of(h) * stepper.of_motions(signs) * g)
        later = tried.t + h
        other_f, other_g = stepper.drift(later, point, tried.p), stepper.diffusion(later, point, tried.p)
        squares = stepper.to_rows.add(torch.zeros_like(u), (other_g - g) ** 2)
        error = torch.sqrt(0.5 * h * squares) + 0.5 * h * (other_f - f).abs()
        return self._tolerances.over(error, u, u)


def rounded(begin: Tensor, size: Tensor) -> Tensor:
    """An end of a step that is a multiple of the largest power of 2 of which the size has 2^GRAIN_BITS."""
    bits = (torch.frexp(size.double()).exponent - 1 - GRAIN_BITS).clamp(min=0).to(torch.int64)
    return ((begin + size) >> bits) << bits


def next_size(place: Place, size: Tensor, ideal: Tensor, counts: Tensor) -> Tensor:
    """The size that the next step shall have, where one of this size has been tried, and an ideal one would
    meet the tolerance. One cut short by a time to save makes the next no shorter."""
    tried = size.double()  # a whole number times one of Python's would be of torch's default type
    longer = torch.minimum(ideal, torch.maximum(GROW * tried, place.wanted.double()))
    shorter = torch.maximum(ideal, SHRINK * tried)
    return torch.where(counts, longer, shorter).to(torch.int64).clamp(min=1)


def sizes_for(method: NoiseMethod, stepper: Any, tree: BrownianTree, tolerances: Tolerances) -> StepSizes:
    """The way of a method and its noise to sizes."""
    if method.previsible:
        return Previsible(tolerances, stepper, tree)
    return (Halved if len(stepper.equation.pairs) else Free)(tolerances)
