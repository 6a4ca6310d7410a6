"""Forward sensitivities of nonlinear and stiff models: against differences, each other and published ones."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from tests.problems import get

from .forward_models import HIRES, SEASONS, central_difference, competition, relative_error

PROBLEMS = {
    "seasons": lambda: symde.Problem(SEASONS),
    "hires": lambda: symde.Problem(HIRES),
    "rober": lambda: get("rober_1e5").problem,
    "competition": lambda: symde.Problem(competition()),
}
TIMES = {"seasons": [1.3, 5.0], "hires": [3.0, 321.8122], "rober": [40.0, 1e5], "competition": [0.7, 4.0]}
STIFF = ("Rodas5P", "KenCarp4", "QNDF", "FBDF", "Radau", "RadauIIA5")
METHODS = [(problem, method) for problem in PROBLEMS for method in STIFF] + [
    (problem, method)
    for problem in ("seasons", "competition")
    for method in ("Tsit5", "Vern7", "DOP853", "VCABM", "ROCK4", None)
]


@pytest.fixture(scope="module")
def references():
    """Radau at rtol 1e-11, whose columns are solved by a way of their own."""
    return {
        name: symde.sensitivities(make(), "Radau", rtol=1e-11, atol=1e-17, saveat=TIMES[name])
        for name, make in PROBLEMS.items()
    }


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_methods_agree_with_one_another(name, method, references):
    problem = PROBLEMS[name]()
    found = symde.sensitivities(problem, method, rtol=1e-7, atol=1e-12, saveat=TIMES[name])
    # multistep methods leave some hundred times their tolerance in solutions too
    assert relative_error(found.dp, references[name].dp) <= 2e-4
    assert relative_error(found.du0, references[name].du0) <= 2e-4


@pytest.mark.parametrize(
    ("name", "chosen", "share", "bound"),
    [
        ("seasons", range(6), 1e-3, 1e-6),
        # its front passes just before the end, and a change of 1e-3 moves it away
        ("hires", (0, 1, 4, 9), 2e-5, 1e-5),
        ("rober", range(3), 1e-3, 1e-6),
        ("competition", (0, 11, 57, 109), 1e-3, 1e-6),
    ],
)
def test_they_agree_with_differences_of_tight_solves(name, chosen, share, bound, references):
    """Differences keep the rounding of the solves, some 1e-13, over the share, and its fourth power."""
    problem = PROBLEMS[name]()
    for j in chosen:
        expected = central_difference(problem, j, TIMES[name], share)
        assert relative_error(references[name].dp[:, :, j], expected) <= bound


CVODES = {
    4e-1: [(-3.5595e-1, 3.9025e-4, 3.5556e-1), (9.5428e-8, -2.1310e-10, -9.5215e-8),
           (-1.5833e-11, -5.2901e-13, 1.6362e-11)],
    4e1: [(-4.2477, 4.5907e-5, 4.2476), (1.3732e-5, -2.3569e-10, -1.3731e-5),
          (-2.2885e-9, -1.1380e-13, 2.2886e-9)],
    4e3: [(-4.7500, -5.9955e-6, 4.7500), (1.8809e-5, 2.3132e-11, -1.8809e-5),
          (-3.1348e-9, -1.8757e-14, 3.1348e-9)],
    4e5: [(-2.3634e-1, -4.5834e-7, 2.3634e-1), (9.4507e-7, 1.8324e-12, -9.4507e-7),
          (-1.5753e-10, -6.3636e-16, 1.5753e-10)],
    4e7: [(-2.5995e-3, -5.1927e-9, 2.5995e-3), (1.0395e-8, 2.0760e-14, -1.0395e-8),
          (-1.7340e-12, -6.9367e-18, 1.7340e-12)],
}  # fmt: skip
"""Derivatives of ROBER by k1, k3 and k2 at some times.

Source: SUNDIALS (Lawrence Livermore National Laboratory), examples/cvodes/serial/cvsRoberts_FSA_dns with
`-sensi stg1 t`, the output that is kept beside it; computed at rtol 1e-4.
"""


@pytest.mark.parametrize("method", [None, "Rodas5P", "Radau", "QNDF"])
def test_rober_gives_the_figures_of_the_cvodes_example(method):
    problem = symde.remake(get("rober_1e5").problem, tspan=(0.0, 4e7))
    atol = {"y1": 1e-12, "y2": 1e-18, "y3": 1e-10}
    found = symde.sensitivities(problem, method, wrt="p", rtol=1e-8, atol=atol, saveat=list(CVODES))
    for k, published in enumerate(CVODES.values()):
        for parameter, expected in zip(("k1", "k3", "k2"), published, strict=True):
            column = found.dp[k, :, ("k1", "k2", "k3").index(parameter)]
            np.testing.assert_allclose(column, expected, rtol=5e-3)  # what rtol 1e-4 leaves in theirs


def test_derivatives_conserve_what_the_model_conserves():
    found = symde.sensitivities(get("rober_1e5").problem, "Rodas5P", saveat=TIMES["rober"])
    # y1 + y2 + y3 is constant, so the sum over the states of every column by a parameter stays 0
    assert np.abs(found.dp.sum(axis=1)).max() <= 1e-12 * np.abs(found.dp).max()
    np.testing.assert_allclose(found.du0.sum(axis=1), 1.0, rtol=1e-10)
