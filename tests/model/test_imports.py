"""What importing and building models costs."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from symde.model.ode_def import ode_def
import symde.model.check, symde.model.trace
model = ode_def("x' = -k*x + f(x)\\nf(a) = exp(a)")
model.text(), model.sparsity(), hash(model), repr(model), model.state_names
print([name for name in ("sympy", "scipy", "numba", "torch", "matplotlib", "pandas") if name in sys.modules])
"""


def test_building_and_describing_a_model_needs_no_sympy() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
