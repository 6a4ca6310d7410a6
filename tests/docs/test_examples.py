"""Every example is short, runs, and every model of the examples is sound."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import symde
from tests.docs.pages import ROOT

PROGRAMS = sorted((ROOT / "examples").glob("*.py"))
SHORT = {"train_lotka_volterra.py": ("--iterations", "5", "--plot", "trained.png")}
"""Arguments with which a program shows that it works in a moment."""

MODELS = sorted((ROOT / "examples").glob("*.symde"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_a_program_runs(program, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    result = subprocess.run(
        [sys.executable, str(program), *SHORT.get(program.name, ())],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize("path", [*PROGRAMS, *MODELS], ids=lambda path: path.name)
def test_an_example_is_short(path):
    trains = path.name.startswith("train_")  # those train something and draw what became of it
    assert len(path.read_text(encoding="utf-8").splitlines()) < (60 if trains else 40)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_a_model_is_read_and_written_again(path):
    model = symde.load(path)
    assert symde.ode_def(model.text()) == model


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_the_derivatives_of_a_model_are_right(path):
    symde.testing.check_derivatives(symde.load(path), points=2)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_a_model_is_solved_with_nothing_chosen(path):
    assert symde.solve(symde.Problem(symde.load(path)), saveat=[0]).success
