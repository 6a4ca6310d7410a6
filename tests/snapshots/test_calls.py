"""What surrounds the compiled loop is a fixed number of Python calls: more is a loss, less a gain to write
down here."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symde
from tests.problems import get

PACKAGE = str(Path(symde.__file__).parent)
PROBLEM = get("lotka").problem
WATCHED = symde.Problem(
    symde.ode_def(
        "x' = 1.5x - x*y; y' = x*y - 3y; x(0) = 1; y(0) = 1; time 0 .. 10\n big: when x > 100: stop"
    )
)
SPIKES = symde.Problem(symde.ode_def("v' = 1.5 - v; v(0) = 0; time 0 .. 12\n spike: when v >= 1: v = 0"))
DOSES = symde.Problem(symde.ode_def("A' = -0.3*A; A(0) = 0; time 0 .. 60\n dose: every 6: A += 100"))
TIMES = np.linspace(0, 10, 101)
VALUES = [1.5, 1.0, 3.0, 1.0]


def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
    return 0.5 * float(np.vdot(u, u)), u


def gradient(sensealg: str, method: str | None = "Vern7", wrt: Any = "p") -> Any:
    return symde.value_and_grad(loss, PROBLEM, method, wrt=wrt, saveat=TIMES, sensealg=sensealg)


# (calls of symde's functions, calls of others' Python functions); comprehensions are left out, since from
# Python 3.12 on they are no calls
KEPT = {
    "every step": (lambda: symde.solve(PROBLEM), (17, 0)),
    "saveat by spacing": (lambda: symde.solve(PROBLEM, "Tsit5", saveat=0.1), (19, 0)),
    "saveat as an array": (lambda: symde.solve(PROBLEM, "Tsit5", saveat=TIMES), (19, 2)),
    "saveat as a list": (lambda: symde.solve(PROBLEM, "Taylor", saveat=[5.0, 10.0]), (19, 2)),
    "remake by order": (lambda: symde.remake(PROBLEM, p=VALUES), (20, 4)),
    "remake by an array": (lambda: symde.remake(PROBLEM, p=TIMES[1:5]), (20, 4)),
    "remake by name": (lambda: symde.remake(PROBLEM, p={"a": 1.6}), (21, 4)),
    "a gradient by columns": (lambda: gradient("forward"), (56, 15)),
    "a gradient by all": (lambda: gradient("forward", wrt=("u0", "p")), (60, 15)),
    "a gradient backwards": (lambda: gradient("discrete"), (93, 22)),
    "a watch of what does not happen": (lambda: symde.solve(WATCHED, "Tsit5"), (21, 0)),
    "ten spikes": (lambda: symde.solve(SPIKES, "Tsit5"), (305, 20)),
    "ten doses": (lambda: symde.solve(DOSES, "Tsit5"), (68, 20)),
    "a gradient over ten doses": (
        lambda: symde.value_and_grad(loss, DOSES, "Tsit5", wrt="u0", sensealg="forward"),
        (185, 90),
    ),
    "an integrator": (lambda: symde.Integrator(PROBLEM, "Tsit5"), (50, 14)),
}


def calls(function: Callable[[], Any]) -> tuple[int, int]:
    """Python functions of symde, and of others, that a call enters, itself left out."""
    function()  # what is made once is made
    entered = []

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_name not in ("<listcomp>", "<dictcomp>", "<setcomp>"):
            entered.append(frame.f_code.co_filename)

    before, collected = sys.getprofile(), gc.isenabled()
    gc.disable()  # a collection that falls due enters what others have asked to be told of it
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
        if collected:
            gc.enable()
    own = sum(name.startswith(PACKAGE) for name in entered)
    return own, len(entered) - own - 1


@pytest.mark.parametrize("name", KEPT)
def test_a_call_goes_through_as_many_functions_as_it_did(name):
    function, kept = KEPT[name]
    own, foreign = calls(function)
    assert own == kept[0]
    assert foreign <= kept[1]  # how much of numpy is Python depends on its version
