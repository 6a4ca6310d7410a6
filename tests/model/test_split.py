"""Marks of stiffness split equations into parts and change nothing else."""

from __future__ import annotations

import pickle
from math import cos, sin

import numpy as np
import pytest

import symde
from symde.language import parse, unparse
from symde.lowering import ModelSystem
from symde.model.split import NONSTIFF, STIFF, part_of

PLAIN = "x' = -k*(x - cos(t)) - sin(t)*y; y' = -x*y; k = 1000"
SPLITS = {
    "around a term": "x' = stiff(-k*(x - cos(t))) - sin(t)*y; y' = -x*y; k = 1000",
    "with a sign": "x' = -stiff(k*(x - cos(t))) - sin(t)*y; y' = -x*y; k = 1000",
    "as a factor": "x' = -k*stiff(x - cos(t)) - sin(t)*y; y' = -x*y; k = 1000",
    "in brackets": "x' = -(k*stiff(x - cos(t)) + sin(t)*y); y' = -x*y; k = 1000",
    "by two statements": "stiff: x' = -k*(x - cos(t)); nonstiff: x' = -sin(t)*y; y' = -x*y; k = 1000",
    "the other way round": "nonstiff: x' = -sin(t)*y; stiff: D(x) = -k*(x - cos(t)); y' = -x*y; k = 1000",
}


def slopes(definition, t=0.7, u=(0.3, 2.0)):
    return ModelSystem(definition).slope(t, np.array(u), np.array([]))


@pytest.mark.parametrize("text", SPLITS.values(), ids=SPLITS)
def test_parts_are_what_was_marked_and_what_was_not(text):
    definition = symde.ode_def(text).definition
    assert slopes(part_of(definition, STIFF)) == pytest.approx([-1000 * (0.3 - cos(0.7)), 0], rel=1e-14)
    assert slopes(part_of(definition, NONSTIFF)) == pytest.approx([-sin(0.7) * 2, -0.6], rel=1e-14)


@pytest.mark.parametrize("text", SPLITS.values(), ids=SPLITS)
def test_a_mark_changes_nothing_of_what_the_model_says(text):
    plain, split = symde.ode_def(PLAIN), symde.ode_def(text)
    assert split.rhs().equals(plain.rhs()) and split.jacobian().equals(plain.jacobian())
    assert (split.sparsity() == plain.sparsity()).all()
    assert slopes(split.definition) == pytest.approx(slopes(plain.definition), rel=1e-15)
    code = [line for line in symde.export(split, target="numpy").splitlines() if "#" not in line]
    assert code and not any("stiff" in line for line in code)


@pytest.mark.parametrize("text", SPLITS.values(), ids=SPLITS)
def test_marks_survive_text_and_pickle_and_tell_models_apart(text):
    model = symde.ode_def(text)
    assert symde.ode_def(model.text()) == model == pickle.loads(pickle.dumps(model))
    assert model != symde.ode_def(PLAIN)
    (block,) = parse(text)
    (again,) = parse(unparse(block))
    assert again == block


def test_a_whole_equation_may_be_stiff_and_a_mark_of_nothing_stiff_is_none():
    model = symde.ode_def("stiff: dx = -1000*x\nnonstiff: dy = sin(t)\nz'' = stiff(-z) + x")
    assert [state.name for state in model.definition.states if state.split is not None] == ["x", "z'"]
    assert not any(state.split for state in symde.ode_def("x' = nonstiff(x)").definition.states)


def test_a_decorated_function_may_mark_its_terms():
    @symde.ode_def
    def Decay(x, *, k=1000.0):
        dx = stiff(-k * x) + sin(t)  # noqa: F821, F841

    assert [state.split is not None for state in Decay.definition.states] == [True]


MISPLACED = {
    "in a function": ("x' = exp(stiff(x))", "exp(stiff(x))"),
    "in a power": ("x' = stiff(x)^2", "stiff(x)^2"),
    "below a bar": ("x' = 1/stiff(x)", "1/stiff(x)"),
    "in another mark": ("x' = stiff(x + stiff(x))", "stiff(x + stiff(x))"),
    "times another mark": ("x' = stiff(x)*stiff(x)", "stiff(x)*stiff(x)"),
    "in a condition": ("x' = stiff(x) if x > 0 else 1", "stiff(x) if x > 0 else 1"),
    "in an observed quantity": ("y = 2 + stiff(x)\nx' = -y", "stiff(x)"),
}


@pytest.mark.parametrize(("text", "where"), MISPLACED.values(), ids=MISPLACED)
def test_a_mark_that_splits_nothing_is_refused(text, where):
    with pytest.raises(symde.ModelError) as caught:
        symde.ode_def(text)
    (one,) = caught.value.diagnostics
    assert one.code == "E323" and one.span.text == where
    assert "x' = stiff(-k*x) + sin(t)" in one.help


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("stiff: f(a) = a\nx' = -x", "E126"),
        ("stiff: x(0) = 1\nx' = -x", "E126"),
        ("stiff: 0 = x\nx' = -x", "E126"),
        ("stiff: y = x\nx' = -y", "E126"),
        ("stiff(a) = 2*a\nx' = -stiff(x)", "E204"),
        ("stiff: x' = 1\nstiff: x' = 2", "E301"),
        ("stiff: x' = 1\nx' = 2", "E301"),
    ],
)
def test_other_misuse_has_an_error_of_its_own(text, code):
    with pytest.raises(symde.ModelError) as caught:
        symde.ode_def(text)
    assert code in {one.code for one in caught.value.diagnostics}


def test_names_stay_names():
    model = symde.ode_def("stiff = 2\nnonstiff = 3\nx' = stiff*x + nonstiff")
    assert model.observable_names == ("stiff", "nonstiff")
