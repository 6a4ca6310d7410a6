"""Every example is short, runs, and every model of the examples is sound."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import symde
from tests.docs.pages import ROOT

PROGRAMS = sorted((ROOT / "examples").glob("*.py"))
SHORT = {
    "dose_times.py": ("doses.png",),
    "mackey_glass.py": ("mackey_glass.png",),
    "torch_events.py": ("--iterations", "2"),
    "train_delayed.py": ("--iterations", "20", "--delay", "--plot", "delayed.png"),
    "ode_in_network.py": ("--epochs", "1", "--images", "150", "--plot", "read.png"),
    "residual.py": ("residual.png",),
    "spiral.py": ("spiral.png", "20", "spiral.gif"),
    "train_lotka_volterra.py": ("--iterations", "5", "--plot", "trained.png", "--animation", "trained.gif"),
    "uneven.py": (),
    "universal.py": (),
}
"""Arguments with which a program that trains something shows in a moment that it works."""

MODELS = sorted((ROOT / "examples").glob("*.symde"))


def output(program, arguments, folder):
    """What a program prints."""
    result = subprocess.run(
        [sys.executable, str(program), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_a_program_runs(program, tmp_path):
    assert output(program, SHORT.get(program.name, ()), tmp_path)
    pictures = [name for name in SHORT.get(program.name, ()) if name.endswith((".png", ".gif"))]
    assert all((tmp_path / name).stat().st_size for name in pictures)


@pytest.mark.parametrize("path", [*PROGRAMS, *MODELS], ids=lambda path: path.name)
def test_an_example_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < (60 if path.name in SHORT else 40)


def test_a_solve_of_288_states_stands_behind_convolutions(tmp_path):
    program = ROOT / "examples" / "ode_in_network.py"
    assert "new digits" in output(program, ("--convolutions", "--epochs", "1", "--images", "40"), tmp_path)


def test_a_residual_network_is_eulers_method(tmp_path):
    assert output(ROOT / "examples" / "residual.py", (), tmp_path).startswith("same bits")


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
