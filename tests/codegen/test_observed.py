"""Values and derivatives of quantities at many points in one call are those of the interpreted graph."""

from __future__ import annotations

import numpy as np
import pytest

from symde.codegen.observed import ObservedKernels
from symde.lowering import ModelSystem
from symde.model.ode_def import ode_def
from symde.sensitivity.observation import observation

SMALL = "param k = 2, m = 3\nstate x = 1, y = 2\nx' = -k*x\ny' = x - y\nf = k*x^2*y + t\ng = exp(-m)*sin(y)"
# so many operations that the kernel is cut into several functions
LARGE = SMALL + "\nh = " + " + ".join(f"sin({i}*x + y*{i + 1})*k" for i in range(1, 60))


@pytest.mark.parametrize("text", [SMALL, LARGE], ids=["one function", "pieces"])
def test_values_and_derivatives_agree_with_the_graph(text):
    system = ModelSystem(ode_def(text).definition)
    names = ("x", "f", "k", *system.observable_names[1:])
    generator = np.random.default_rng(3)
    t, u, p = generator.uniform(0, 1, 7), generator.uniform(0.5, 2, (7, 2)), np.array([1.3, 0.4])
    observe = observation(system, names)
    found = observe(t, u, p)

    def values(u, p):
        observed = dict(zip(system.observable_names, system.observe(t, u, p).T, strict=True))
        return np.stack([{**observed, "x": u[:, 0], "k": np.full(7, p[0])}[name] for name in names], axis=1)

    # sums of 60 terms of size 1, fused in one of the two
    np.testing.assert_allclose(found.values, values(u, p), rtol=1e-14, atol=1e-12)
    weights, h = generator.uniform(-1, 1, found.values.shape), 1e-6
    by_states, by_parameters = found.pull_back(weights)
    for i, shift in enumerate(np.eye(2) * h):
        # central differences of step 1e-6 of functions whose third derivatives reach 60^3
        slope = (weights * (values(u + shift, p) - values(u - shift, p))).sum(axis=1) / (2 * h)
        np.testing.assert_allclose(by_states[:, i], slope, rtol=1e-6, atol=1e-6)
        slope = (weights * (values(u, p + shift) - values(u, p - shift))).sum() / (2 * h)
        np.testing.assert_allclose(by_parameters[i], slope, rtol=1e-7)


def test_pushing_forward_is_the_transpose_of_pulling_back():
    system = ModelSystem(ode_def(SMALL).definition)
    generator = np.random.default_rng(4)
    t, u, p = np.linspace(0, 1, 5), generator.uniform(1, 2, (5, 2)), np.array([2.0, 3.0])
    for names in (("x", "f", "g", "m"), ("y",), ("y", "x")):
        found = observation(system, names)(t, u, p)
        states, parameters = generator.uniform(-1, 1, (5, 2, 3)), generator.uniform(-1, 1, (2, 3))
        weights = generator.uniform(-1, 1, found.values.shape)
        by_states, by_parameters = found.pull_back(weights)
        forward = np.einsum("tk,tkx->x", weights, found.push_forward(states, parameters))
        backward = np.einsum("tn,tnx->x", by_states, states) + by_parameters @ parameters
        np.testing.assert_allclose(forward, backward, rtol=1e-13)


def test_entries_that_are_always_zero_are_left_out():
    system = ModelSystem(ode_def(SMALL).definition)
    lowered = system.kernels.lowered
    kernels = ObservedKernels(system.kernels.model_graph, lowered.observables)
    assert kernels.by_states[1].tolist() == [0, 1, 1] and kernels.by_states[0].tolist() == [0, 0, 1]
    assert kernels.by_parameters[0].tolist() == [0, 1] and kernels.by_parameters[1].tolist() == [0, 1]


def test_an_unknown_quantity_is_refused_with_the_nearest_name():
    system = ModelSystem(ode_def("param rate = 1\nstate level = 1\nlevel' = -rate*level").definition)
    with pytest.raises(ValueError, match="unknown quantity `lvel`; did you mean `level`"):
        observation(system, ["lvel"])
