"""Reactions beside events, algebraic equations, delays and other equations, read as equations."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.testing import check_derivatives

DOSES = """
model Doses
  param ka = 1, ke = 0.2, dose = 100
  state G = dose, C = 0
  time 0 .. 48
  ka, G --> C
  ke, C --> 0
  at t = 12, 24, 36: G += dose
end
"""
FAST = """
model Fast
  param k = 1, K = 2, total = 3
  state A = 5, B = 0, C = 1
  time 0 .. 4
  k*C, A => B
  0 = C*(K + A) - total*A
end
"""
LATE = """
model Late
  param k = 1, tau = 1
  state A = 1, B = 0
  time 0 .. 3
  history A = 1
  twice = 2*A
  k*twice(t - tau), 0 => B
  k, A --> 0
end
"""


def absorbed(t: float, ka: float = 1.0, ke: float = 0.2, dose: float = 100.0) -> float:
    """What a chain of two decays leaves of doses (H. Bateman, Proc. Cambridge Philos. Soc. 15 (1910) 423)."""
    since = t - np.array([0.0, 12.0, 24.0, 36.0])
    since = since[since >= 0]
    return float(np.sum(dose * ka / (ka - ke) * (np.exp(-ke * since) - np.exp(-ka * since))))


def test_doses_in_a_network_follow_their_closed_form() -> None:
    times = [6.0, 20.0, 30.0, 48.0]
    solution = symde.solve(symde.Problem(DOSES), rtol=1e-10, atol=1e-10, saveat=times)
    assert [event.t for event in solution.events] == [12, 24, 36]
    np.testing.assert_allclose(solution["C"], [absorbed(t) for t in times], rtol=1e-8)


def test_doses_in_a_network_have_exact_gradients() -> None:
    sens = symde.sensitivities(symde.Problem(DOSES), saveat=[48.0], rtol=1e-10, atol=1e-10)
    h = 1e-6
    by_ke = (absorbed(48.0, ke=0.2 + h) - absorbed(48.0, ke=0.2 - h)) / (2 * h)
    assert sens["C", "ke"][-1] == pytest.approx(by_ke, rel=1e-6)


def test_a_rate_reads_an_algebraic_variable() -> None:
    end = symde.solve(symde.Problem(FAST), rtol=1e-10, atol=1e-10)["A"][-1]
    # A' = -k*total*A/(K + A), integrated: K*log(A/5) + A - 5 = -k*total*t
    assert 2 * np.log(end / 5) + end - 5 == pytest.approx(-12.0, rel=1e-8)


def test_an_algebraic_equation_reads_the_derivative_of_a_species() -> None:
    """B' = A along A = 1 + t, which z holds: z - A = 1."""
    text = "state A=1, B=0, z=1\ntime 0 .. 1\nz, 0 --> A\n1, A --> B\n0 = A - 1 - t"
    solution = symde.solve(symde.Problem(text), rtol=1e-10, atol=1e-10)
    assert solution["A"][-1] == pytest.approx(2.0, rel=1e-9)
    assert solution["B"][-1] == pytest.approx(1.5, rel=1e-8)
    text = "state A=5, B=0, w=0\ntime 0 .. 1\n1, A --> B\n0 = w - A'"
    solution = symde.solve(symde.Problem(text), rtol=1e-10, atol=1e-10)
    assert solution["w"][-1] == pytest.approx(-5 * np.exp(-1), rel=1e-8)


def test_a_rate_reads_what_was() -> None:
    end = symde.solve(symde.Problem(LATE), rtol=1e-10, atol=1e-10).u[-1]
    # A = exp(-t), and B' = 2*A(t - 1), with 1 before the start
    np.testing.assert_allclose(end, [np.exp(-3), 2 * (1 + 1 - np.exp(-2))], rtol=1e-8)
    assert str(symde.ode_def(LATE).rates[0]) == "2*k*A(t - tau)"


def test_states_of_second_order_and_of_a_hamiltonian_stand_beside_species() -> None:
    # x'' = -x with x(0) = 1, and A' = -x: A = 3 - sin(t)
    text = "state x=1, A=3, B=0\nx'(0)=0\ntime 0 .. 1\nx'' = -x\nx, A => B"
    assert symde.solve(symde.Problem(text), rtol=1e-10)["A"][-1] == pytest.approx(3 - np.sin(1), rel=1e-8)
    text = "state q=1, p=0, A=3, B=0\ntime 0 .. 1\nhamiltonian H = p^2/2 + q^2/2 for (q, p)\nq, A => B"
    assert symde.solve(symde.Problem(text), rtol=1e-10)["A"][-1] == pytest.approx(3 - np.sin(1), rel=1e-8)


def test_standard_functions_are_known_in_events() -> None:
    text = "state A=10, B=0\ntime 0 .. 1\nat t = 1: B = hill(A, 1, 2, 2)"
    end = symde.solve(symde.Problem(text + "\n0, A --> B")).u[-1]
    assert end[1] == pytest.approx(100 / 104, rel=1e-12)


@pytest.mark.parametrize("text", [DOSES, FAST, LATE])
def test_texts_give_the_models_back(text: str) -> None:
    model = symde.ode_def(text)
    assert symde.ode_def(model.text()) == model


def test_derivatives_of_a_network_with_a_discrete_variable_agree() -> None:
    text = "param k=1\ndiscrete m = 1\nstate A=2, B=1\ntime 0 .. 1\nk*m, A + B --> 2B\nat t = 0.5: m = 2"
    check_derivatives(symde.ode_def(text))


def test_an_event_breaks_what_reactions_keep() -> None:
    text = "(1, 2), A <--> B\n(1, 2), C <--> D"
    assert [str(law) for law in symde.conservation_laws(symde.ode_def(text))] == ["A + B", "C + D"]
    set_by_event = symde.ode_def(text + "\nat t = 1: A += 1")
    assert [str(law) for law in symde.conservation_laws(set_by_event)] == ["C + D"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("discrete m = 1\n1, m --> 0", "E360"),
        ("state A=1, B=0\n1, A --> B\n0 = A + B - 1", "E351"),
        ("state A=1\nf(x) = x\ny = f(A)\ny(t - 1), A => 0", "E384"),
    ],
)
def test_mistakes_between_reactions_and_others_are_told_once(text: str, code: str) -> None:
    with pytest.raises(symde.ModelError) as caught:
        symde.ode_def(text)
    assert [one.code for one in caught.value.diagnostics] == [code]
