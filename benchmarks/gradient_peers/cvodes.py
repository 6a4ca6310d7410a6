"""SUNDIALS CVODES in C: BDF or Adams, forward sensitivities with analytic right-hand sides, or the adjoint
with checkpoints.

The driver beside this file is compiled against an installed SUNDIALS (6 or later; its root in the variable
SUNDIALS_ROOT, default /usr) and calls the very kernels symde uses: f, J and P in one, w'J, w'P. Matrices are
dense.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from symde import native
from symde.codegen.adjoints import AdjointGraph
from symde.codegen.columns import ColumnKernels
from symde.codegen.kernel import Kernel
from symde.codegen.llvm import ir_module

_LIBRARIES = ("cvodes", "nvecserial", "sunmatrixdense", "sunlinsoldense", "sunnonlinsolfixedpoint")
_BDF, _ADAMS, _CORRECTORS = 2, 1, {"simultaneous": 1, "staggered": 2, "partial": 2}
STEPS_BETWEEN_CHECKPOINTS = 10_000


@cache
def _driver():
    """The compiled driver; None where there is no compiler or no library."""
    root = Path(os.environ.get("SUNDIALS_ROOT", "/usr"))
    source = Path(__file__).with_suffix(".c")
    found = sorted(root.glob("lib/**/libsundials_cvodes.a"))
    compiler = shutil.which("cc")
    if not found or compiler is None:
        return None
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    built = Path(tempfile.gettempdir()) / f"symde-cvodes-{os.getuid()}-{digest}.so"
    if not built.exists():
        archives = [str(found[0].with_name(f"libsundials_{name}.a")) for name in _LIBRARIES]
        command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", f"-I{root}/include", str(source)]
        command += [*archives, "-lm", "-o", f"{built}.part"]
        subprocess.run(command, check=True)
        Path(f"{built}.part").rename(built)
    library = ctypes.CDLL(str(built))
    library.make.restype = ctypes.c_void_p
    return library


_ORDER = (
    "n", "m", "columns", "entries", "partial_entries", "rhs", "jacobian", "values", "by_states",
    "by_parameters", "rows", "places", "partial_rows", "partial_places", "p", "sizes", "t0", "start", "scale",
    "times", "saves", "J", "P", "f",
)  # fmt: skip


class _Model(ctypes.Structure):
    _fields_ = [(name, ctypes.c_double if name == "t0" else ctypes.c_int64) for name in _ORDER]


def _model(case) -> tuple[_Model, list]:
    problem = case.problem
    kernels = problem.system.kernels
    graph = kernels.model_graph
    columns = ColumnKernels(graph, tuple(range(kernels.m)))
    products = AdjointGraph(graph).kernel("adjoint")
    adjoints = {
        f"by_{output.name.removeprefix('by_')}": native.load_ir(
            ir_module([Kernel(output.name, products.graph, products.inputs, (output,))])
        )
        for output in products.outputs
    }
    arrays = {}
    for prefix, (pointers, indices) in (("", kernels.pattern), ("partial_", columns.pattern("partials"))):
        arrays[f"{prefix}rows"] = np.repeat(np.arange(kernels.n), np.diff(pointers))
        arrays[f"{prefix}places"] = np.array(indices, np.int64)
    entries, partial_entries = len(arrays["places"]), len(arrays["partial_places"])
    sizes = np.abs(problem.p)
    sizes[sizes == 0] = 1.0
    arrays.update(p=problem.p.copy(), sizes=sizes, start=problem.u0.copy(), scale=case.scale.copy())
    arrays.update(times=case.times.copy(), J=np.zeros(entries), P=np.zeros(partial_entries))
    arrays["f"] = np.zeros(kernels.n)
    addresses = {name: kernels.address(name) for name in ("rhs", "jacobian")}
    addresses["values"] = columns.address("values")
    addresses.update({name: library.address(name) for name, library in adjoints.items()})
    data = _Model(
        n=kernels.n, m=kernels.m, columns=kernels.m, entries=entries, partial_entries=partial_entries,
        t0=float(problem.tspan[0]), saves=len(case.times), **addresses,
        **{name: array.ctypes.data for name, array in arrays.items()},
    )  # fmt: skip
    return data, [arrays, adjoints, columns]


def solver(case, name: str):
    """`simultaneous`, `staggered`, `partial` (forward; the last without columns in the error test, as CVODES
    has it by default) or `adjoint`; Adams methods where the problem is not stiff."""
    library = _driver()
    if library is None:
        return None
    data, kept = _model(case)
    multistep = _BDF if case.stiff else _ADAMS
    corrector = _CORRECTORS.get(name, 0)
    memory = ctypes.c_void_p(
        library.make(
            ctypes.byref(data),
            multistep,
            corrector,
            int(name != "partial"),
            ctypes.c_int64(STEPS_BETWEEN_CHECKPOINTS),
        )  # fmt: skip
    )
    gradient = np.zeros(data.m)
    place = ctypes.c_void_p(gradient.ctypes.data)

    def solve(rtol: float) -> np.ndarray:
        tolerances = ctypes.c_double(rtol), ctypes.c_double(rtol * case.floor)
        if corrector:
            code = library.forward(memory, *tolerances, corrector, place)
        else:
            code = library.adjoint(memory, *tolerances, multistep, 1, place)
        if code < 0:
            raise RuntimeError(f"CVODES returned {code}")
        return gradient.copy()

    solve.kept = data, kept
    return solve
