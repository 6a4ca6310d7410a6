"""Forward sensitivities: every method of the registry differentiates what it solves."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.methods import registry

from .forward_models import SEASONS, SPRING, spring_derivatives

LOOSE = {
    "Euler": 0.1,
    "SymplecticEuler": 0.05,
    "VelocityVerlet": 1e-3,
    "McAte2": 1e-3,
    "ImplicitMidpoint": 1e-3,
}
"""Bounds of methods of order 1 and 2 at 300 steps: their own error, not that of the derivative."""


@pytest.mark.parametrize("name", registry.NAMES)
def test_every_method_gives_the_derivatives_of_a_linear_model(name):
    problem = symde.Problem(SPRING)
    dp, du0 = spring_derivatives(problem)
    adaptive = registry.get(name).adaptive
    options = {} if adaptive else {"dt0": 0.01}
    found = symde.sensitivities(problem, name, rtol=1e-8, atol=1e-10, saveat=[3.0], **options)
    # a hundred times the tolerance: methods of low order gather it over many steps
    bound = 5e-6 if adaptive else LOOSE.get(name, 1e-6)
    assert np.abs(found.dp[-1] - dp).max() <= bound
    assert np.abs(found.du0[-1] - du0).max() <= bound


def at_steps_of(name, h):
    """Derivatives of the seasonal model after steps of one size."""
    adaptive = registry.get(name).adaptive
    # tolerances that no step of these fails, and that let none grow
    options = {"rtol": 0.5, "atol": 1e6, "dtmax": h} if adaptive else {}
    found = symde.sensitivities(symde.Problem(SEASONS), name, dt0=h, saveat=[5.0], **options)
    return np.hstack([found.dp[-1], found.du0[-1]])


@pytest.fixture(scope="module")
def seasons():
    found = symde.sensitivities(symde.Problem(SEASONS), "Vern9", rtol=1e-13, atol=1e-14, saveat=[5.0])
    return np.hstack([found.dp[-1], found.du0[-1]])


@pytest.mark.parametrize(
    ("name", "steps"),
    [("RK4", 100), ("BS3", 200), ("Tsit5", 100), ("Vern7", 60), ("DOP853", 40), ("Rosenbrock23", 400)]
    + [("Rodas4", 100), ("Rodas5P", 100), ("ROCK4", 100)],
)
def test_derivatives_converge_with_the_order_of_the_method(name, steps, seasons):
    """Also of Rosenbrock methods, whose order needs the second derivatives of f in the columns' systems."""
    coarse, fine = (np.abs(at_steps_of(name, 5.0 / count) - seasons).max() for count in (steps, 2 * steps))
    assert np.log2(coarse / fine) >= registry.get(name).order - 0.3


@pytest.mark.parametrize(
    "name", ["Tsit5", "Vern7", "Rodas5P", "KenCarp4", "QNDF", "Radau", "VCABM", "Taylor"]
)
def test_interpolated_derivatives_are_those_at_the_times_asked_for(name, seasons):
    times = np.linspace(0.0, 5.0, 41)
    found = symde.sensitivities(symde.Problem(SEASONS), name, rtol=1e-7, atol=1e-9, saveat=times)
    tight = symde.sensitivities(symde.Problem(SEASONS), "Vern9", rtol=1e-12, atol=1e-13, saveat=times)
    scale = np.abs(tight.dp).max()
    assert np.abs(tight.dp[-1] - seasons[:, :6]).max() <= 1e-9 * scale  # two ways to the same end
    # the error of a derivative grows with the phase error of the cycle: 2e-4 of it at QNDF
    assert np.abs(found.dp - tight.dp).max() <= 5e-4 * scale
