"""What surrounds the compiled code is a fixed amount of work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch.func import grad, hessian, jacrev, vmap

import symde
from symde.layers import diffeq
from symde.sensitivity import discrete
from tests.layers.models import LOTKA_PROBLEM, double

P = double(2.2, 1.0, 2.0, 0.4)
LAYERS = str(Path(symde.__file__).parent / "layers")
HOW = dict(method="Tsit5", saveat=1.0, sensealg="discrete")


def loss(p):
    return (diffeq(p, LOTKA_PROBLEM, **HOW) ** 2).sum()


def backward():
    p = P.clone().requires_grad_()
    loss(p).backward()


@pytest.fixture
def recorded(monkeypatch):
    """Every solve that is recorded for derivatives."""
    runs = []
    record = discrete.record

    def counted(run, wrt):
        runs.append(len(run.problem.u0))
        return record(run, wrt)

    monkeypatch.setattr(discrete, "record", counted)
    return runs


RECORDED = {
    "backward": (backward, [2]),
    "grad": (lambda: grad(loss)(P), [2]),
    "all rows of a Jacobian": (lambda: jacrev(lambda p: diffeq(p, LOTKA_PROBLEM, **HOW))(P), [2]),
    "gradients of a batch": (lambda: vmap(grad(loss))(torch.stack([P, P, P])), [2] * 3),
    # those of each row of a Hessian are of solution and tangent
    "a Hessian": (lambda: hessian(loss)(P), [2, *[4] * 4]),
}


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_is_solved_twice(name, recorded):
    transform, expected = RECORDED[name]
    transform()
    assert sorted(recorded) == expected


# three of them choose the engine
@pytest.mark.parametrize(("call", "kept"), [(lambda: loss(P), 30), (backward, 54)])
def test_a_call_goes_through_as_many_functions_of_the_layers_as_it_did(call, kept):
    call()  # what is made once is made
    entered = []

    def note(frame, event, argument):
        name = frame.f_code.co_name
        if event == "call" and name not in ("<listcomp>", "<dictcomp>", "<setcomp>"):
            entered.append((frame.f_code.co_filename, name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    own = [name for file, name in entered if file.startswith(LAYERS)]
    assert len(own) == kept, own
