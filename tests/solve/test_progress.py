"""A progress bar in simulated time, on stderr, by tqdm; nothing else is ever printed."""

import sys

import pytest

import symde

TEXT = "model D\n state x = 1\n time 0 .. 10\n x' = -x\nend"


def test_the_bar_ends_where_the_span_ends(capsys):
    solution = symde.solve(symde.Problem(symde.ode_def(TEXT)), progress=True)
    printed = capsys.readouterr()
    assert solution.success and printed.out == ""
    assert "t = 10/10" in printed.err


def test_without_tqdm_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        symde.solve(symde.Problem(symde.ode_def(TEXT)), progress=True)


def test_a_solve_prints_nothing(capsys):
    symde.solve(symde.Problem(symde.ode_def(TEXT)))
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == ""
