"""Every strategy with every family of methods, by initial values, parameters and both, for costs of the end,
of the way and of saved points, against references on which two independent computations agree to 1e-12.

A solve serves all three costs. What cannot be differentiated is refused by name, and told what to do instead.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import symde
from symde.engine.cpu.adjoints import FAMILIES as TURNED_ROUND
from symde.engine.methods import registry as methods
from symde.sensitivity import registry
from symde.sensitivity.backsolve import ReverseError
from symde.sensitivity.run import prepare
from symde.sensitivity.wrt import wrt_of

from .frozen import along
from .matrix_models import NAMES, subject

REFERENCES = json.loads(Path(__file__).with_name("references.json").read_text())

METHODS = {
    "lotka": (
        "Tsit5", "DOP853", "Taylor", "Rodas5P", "KenCarp4", "RadauIIA5", "QNDF", "VCABM", "ROCK4", "Exprb43",
        "GaussLegendre6", "RK4", None,
    ),
    "hires": ("Rodas5P", "KenCarp5", "RadauIIA5", "FBDF", None),
    "rober": ("Rodas5P", "Kvaerno5", "Radau", "QNDF", None),
    "network": ("Vern7", "DOP853", "Rodas4", "KenCarp47", "Radau", "FBDF", "VCABM", None),
    "springs": ("Vern9", "Yoshida6", "KahanLi8", "DPRKN8", "DPRKN12", "GaussLegendre6"),
}  # fmt: skip

WISHES = ("u0", "p", ("u0", "p"))

RTOL = 1e-6

MULTIPLE, LOOSE = 40, {"KenCarp47": 100}
"""Error of a gradient over rtol that is let pass: several solves, each of which may be off by ten or so; the
states alone of the network are off by 21 times rtol with KenCarp47."""

FORGETFUL = ("hires", "rober")
"""Problems that no reverse solve finds its way back through."""


def family(method):
    """The family of a method; the default pair is of two that every strategy knows."""
    return "explicit" if method is None else methods.get(method).family


def refusal(sensealg, name, method):
    """What the refusal of a combination says; None where it is differentiated."""
    fixed = method is not None and not methods.get(method).adaptive
    if sensealg == "discrete" and family(method) not in TURNED_ROUND:
        return ValueError, f"{method} has no discrete adjoint.*[uU]se .*Rodas5P.*'forward'.*'interpolating'"
    if sensealg not in ("forward", "discrete") and fixed:
        return ValueError, f"{method} has no error estimate.*such as Tsit5.*sensealg='discrete'"
    if sensealg == "backsolve" and name in FORGETFUL:
        return ReverseError, "the reverse solve.*Use sensealg='interpolating'.*'discrete' or 'forward'"
    return None


PRODUCT = [
    (name, method, sensealg) for name in NAMES for method in METHODS[name] for sensealg in registry.NAMES
]
DIFFERENTIATED = [one for one in PRODUCT if refusal(one[2], *one[:2]) is None]
REFUSED = [one for one in PRODUCT if refusal(one[2], *one[:2]) is not None]


def run_of(name, method):
    """What is solved."""
    case = subject(name)
    fixed = method is not None and not methods.get(method).adaptive
    return prepare(
        case.problem, method, rtol=RTOL, atol=RTOL * case.floor, saveat=case.times,
        dt0=case.fixed if fixed else None,
    )  # fmt: skip


def gradients(name, record):
    """The gradient of each cost, each derivative times the size of what it is by, shape (n_costs, n + m)."""
    case = subject(name)
    return np.array([np.concatenate(record.pull_back(w)) * case.sizes for w in case.costs.values()])


def chosen(name, wish):
    """Which of initial values and parameters a wish asks for."""
    n, m = len(subject(name).problem.u0), len(subject(name).problem.p)
    return slice(0 if "u0" in wish else n, n + m if "p" in wish else n)


def largest_error(found, expected):
    """Over the costs, relative to each one's largest derivative."""
    return (np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1)).max()


@pytest.mark.parametrize(("name", "method", "sensealg"), DIFFERENTIATED)
def test_gradients_are_right_to_the_tolerance(name, method, sensealg):
    case, run = subject(name), run_of(name, method)
    expected = np.array([REFERENCES[name]["gradients"][cost] for cost in case.costs])
    for wish in WISHES:
        record = registry.get(sensealg).record(run, wrt_of(wish, case.problem.system))
        part = chosen(name, wish)
        error = largest_error(gradients(name, record)[:, part], expected[:, part])
        assert error <= LOOSE.get(method, MULTIPLE) * RTOL, wish


@pytest.mark.parametrize(("name", "method"), [one[:2] for one in DIFFERENTIATED if one[2] == "discrete"])
def test_discrete_gradients_are_those_of_the_steps_taken(name, method):
    """Against complex steps along directions in which everything moves by its own size."""
    case, run = subject(name), run_of(name, method)
    record = registry.get("discrete").record(run, wrt_of(("u0", "p"), case.problem.system))
    found = gradients(name, record)
    for seed in (1, 2):
        direction = np.random.default_rng(seed).choice((-1.0, 1.0), found.shape[1])
        moved = along(
            case.frozen, record.run.plan.methods, record.steps, case.problem.u0, case.problem.p, case.times,
            direction * case.sizes,
        )  # fmt: skip
        expected = np.array([(w * moved).sum() for w in case.costs.values()])
        assert (np.abs(found @ direction - expected) / np.abs(found).max(axis=1)).max() < 1e-9


@pytest.mark.parametrize(("name", "method", "sensealg"), REFUSED)
def test_what_is_not_known_is_refused_with_the_alternatives(name, method, sensealg):
    kind, words = refusal(sensealg, name, method)
    case, run = subject(name), run_of(name, method)
    for wish in WISHES:
        with pytest.raises(kind, match=words):
            gradients(name, registry.get(sensealg).record(run, wrt_of(wish, case.problem.system)))


@pytest.mark.parametrize("method", ["Yoshida6", "DPRKN8"])
@pytest.mark.parametrize("sensealg", registry.NAMES)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "springs"])
def test_methods_of_positions_and_momenta_refuse_other_models(name, sensealg, method):
    with pytest.raises(ValueError, match=f"{method} (solves equations|has no error estimate)"):
        symde.value_and_grad(
            lambda u: (u.sum(), np.ones_like(u)), subject(name).problem, method, sensealg=sensealg, dt0=0.01
        )


def test_every_family_takes_part():
    taken = {family(method) for row in METHODS.values() for method in row}
    assert taken == {methods.get(name).family for name in methods.names()}


def test_references_agree_with_a_second_computation():
    for name in NAMES:
        assert set(REFERENCES[name]["gradients"]) == set(subject(name).costs)
        assert REFERENCES[name]["agreement"] <= 1e-12
