"""Noise in texts: what is read, written, shown and derived."""

from __future__ import annotations

import pickle

import pytest
import sympy

import symde
from symde.derive.noise import ito
from symde.model.check import check
from symde.model.sympy_view import symbol

TEXT = """
model M
  param s = 1, r = 2
  state x = 1, y = 2
  dx = -x*dt + s*(x*dW1 - y*dW)/2
  dy = x*dt + r*dW_a + x*y*dW1
  stratonovich
end
"""


def test_terms_are_taken_apart() -> None:
    noise = symde.ode_def(TEXT).noise
    assert noise is not None and noise.stratonovich
    assert [(one.state, one.motion) for one in noise.terms] == [
        ("x", "dW1"), ("x", "dW(x)"), ("y", "dW_a"), ("y", "dW1")
    ]  # fmt: skip
    x, y, s, r = map(symbol, "xysr")
    expected = sympy.Matrix([[s * x / 2, -s * y / 2, 0], [x * y, 0, r]])
    assert sympy.simplify(symde.ode_def(TEXT).diffusion - expected) == sympy.zeros(2, 3)


@pytest.mark.parametrize("text", [TEXT, "dx = -k*x*dt + 0.1*x*dW", "dx = 0*dt + dW1\ndy = dt + 2*dW1"])
def test_models_survive_text_and_pickle(text: str) -> None:
    model = symde.ode_def(text)
    assert symde.ode_def(model.text()) == model
    assert pickle.loads(pickle.dumps(model)) == model
    assert hash(symde.ode_def(model.text())) == hash(model)


def test_noise_makes_models_different() -> None:
    noise = ("dW", "2*dW", "dW1", "dW\nstratonovich", "0*dt")
    models = [f"dx = -x*dt + {one}" for one in noise]
    assert len({symde.ode_def(one) for one in models}) == len(models)


def test_a_function_has_noise() -> None:
    @symde.ode_def
    def model(x=1.0, *, k=2.0):
        dx = -k * x * dt + 0.1 * x * dW  # noqa: F821, F841

    assert model == symde.ode_def("model model\nparam k=2\nstate x=1\ndx = -k*x*dt + 0.1*x*dW\nend")


def test_a_function_has_noise_in_the_sense_of_stratonovich() -> None:
    @symde.ode_def
    def model(x=1.0, *, k=2.0):
        stratonovich  # noqa: B018, F821
        dx = -k * x * dt + 0.1 * x * dW  # noqa: F821, F841

    assert model == symde.ode_def(
        "model model\nparam k=2\nstate x=1\ndx = -k*x*dt + 0.1*x*dW\nstratonovich\nend"
    )


def test_a_name_that_means_something_else_is_no_noise() -> None:
    model = symde.ode_def("x' = -k*x + dW\nW' = -W\nx(0) = 1; W(0) = 1")
    assert model.noise is None and [one.name for one in model.definition.states] == ["x", "W"]
    assert symde.ode_def("param dt = 2\nx' = -x*dt").noise is None


def test_parameters_of_noise_alone_are_found_and_read() -> None:
    model = symde.ode_def("dx = -k*x*dt + s*dW\nx(0) = 1")
    assert model.definition.parameter_names == ("k", "s")
    long = symde.ode_def("model M\nparam s = 1\nstate x = 1\ndx = 0*dt + s*x*dW\nend")
    assert not check(long)


def test_stratonovich_becomes_ito_by_the_derived_correction() -> None:
    # f_k + 1/2 sum_ij g_ij dg_kj/dx_i by sympy, from the diffusion matrix
    model = symde.ode_def(TEXT)
    g, states = model.diffusion, sympy.Matrix([symbol("x"), symbol("y")])
    changed = symde.Model(ito(model.definition))
    for k, (old, new) in enumerate(zip(model.equations, changed.equations, strict=True)):
        correction = sum(
            (g[i, j] * sympy.diff(g[k, j], states[i]) / 2 for i in range(2) for j in range(3)), sympy.S(0)
        )
        assert sympy.simplify(sympy.nsimplify(new.rhs - old.rhs) - correction) == 0
    assert changed.noise is not None and not changed.noise.stratonovich


def test_equations_are_shown_with_their_noise() -> None:
    model = symde.ode_def("dx = -k*x*dt + s*x*dW1\ndy = -x\nx(0) = 1; y(0) = 1")
    assert model.latex().splitlines()[1:3] == [
        r"d x &= \left(- k x\right) dt + \left(s x\right) dW_{1} \\", r"\frac{d y}{d t} &= - x"
    ]  # fmt: skip
    assert r"\circ dW_{x}" in symde.ode_def("dx = -x*dt + x*dW\nstratonovich").latex()


@pytest.mark.parametrize("target", ["numpy", "c", "torch", "numba", "llvm"])
def test_source_of_ordinary_equations_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="has noise, which ordinary differential equations know nothing of"):
        symde.export(symde.ode_def("dx = -x*dt + dW\nx(0) = 1"), target)


def test_infinite_bounds_are_no_parameters() -> None:
    text = "dom -inf <= x <= 3\ndom y >= 0\ndx = -k*x*dt + dW\ndy = -y*dt + dW\nx(0) = 1; y(0) = 1"
    model = symde.ode_def(text)
    assert model.parameter_names == ("k",)
    assert [one.domain for one in model.definition.states] == [(None, 3.0), (0.0, None)]


def test_noise_is_shown_as_the_text_has_it() -> None:
    noise = symde.ode_def(TEXT).noise
    assert str(noise).splitlines()[0] == "stratonovich"
    assert [str(one) for one in noise.terms] == [
        "dx: s*x*dW1/2", "dx: -(s*y*dW/2)", "dy: r*dW_a", "dy: x*y*dW1"
    ]  # fmt: skip
    assert "model M" not in repr(noise)  # places know the whole text, and do not tell it
