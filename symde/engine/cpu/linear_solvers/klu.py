"""KLU in memory: the sparse LU of SuiteSparse, which symde does not bring along.

KLU orders W into blocks on a diagonal with nothing below them, each block by minimum degree, and pivots by
size with a preference for the diagonal. A model's pattern is analysed once; each session has factors of its
own, which are freed with it.

Never the automatic choice: what a solve gives must not hang on what else is installed. Where W is one block
the sparse solver is faster as well, 1.7 to 2.5 times on networks and the 2-D Brusselator; where it falls into
many, KLU is (600 states in 30 blocks, each driven by those before: 40 against 230 us a factorisation).

Source: T. Davis, E. Palamadai Natarajan, ACM TOMS 37 (2010), doi:10.1145/1824801.1824814.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import weakref
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

import numpy as np

from symde.engine.cpu.layout import DIAGONAL_PREFERENCE, double, int64, structure
from symde.engine.cpu.linear_solver import CHECKED, Kernels, Layout, LinearSolver, addresses
from symde.engine.cpu.linear_solvers.structure import Structure, structure_of

_int, _address = ctypes.c_int, ctypes.c_void_p

Common = structure(
    "Common",
    "KLU's parameters and what it says of its last call, as `klu_common` since KLU 1.3.",
    tol=double,  # part of the largest candidate from which on the diagonal stays the pivot
    memgrow=double,
    initmem_amd=double,
    initmem=double,
    maxwork=double,
    btf=_int,
    ordering=_int,
    scale=_int,
    user_order=_address,
    user_data=_address,
    halt_if_singular=_int,
    status=_int,
    nrealloc=_int,
    structural_rank=_int,
    numerical_rank=_int,
    singular_col=_int,
    noffdiag=_int,
    flops=double,
    rcond=double,
    condest=double,
    rgrowth=double,
    work=double,
    memusage=ctypes.c_size_t,
    mempeak=ctypes.c_size_t,
)

Expected = structure(
    "Expected",
    "What KLU expects of an elimination with the diagonal as pivots: the head of `klu_symbolic`.",
    symmetry=double,
    operations=double,
    lower=double,  # entries of L with the diagonal
    upper=double,  # entries of U with the diagonal
)

KluData = structure(
    "KluData",
    "W by columns, KLU's functions and its objects. Its indices are 32-bit.",
    factor=int64,
    refactor=int64,
    solve=int64,
    solve_transposed=int64,
    free_numeric=int64,
    free=int64,
    symbolic=int64,
    numeric=int64,  # the factors, 0 while there are none
    common=int64,
    starts=int64,
    rows=int64,
    values=int64,
    n_entries=int64,  # of J
    entries=int64,  # where in `values` each of them belongs
    diagonal=int64,  # where each state's shift belongs
    failure=int64,  # KLU's status where it was short of memory
)

FUNCTIONS = {
    "factor": "klu_factor",
    "refactor": "klu_refactor",
    "solve": "klu_solve",
    "solve_transposed": "klu_tsolve",
    "free_numeric": "klu_free_numeric",
    "free": "klu_free",
}
"""KLU's functions behind the fields of `KluData`."""

REMEDY = (
    "pip install 'symde[klu]' (Linux on x86-64) or install SuiteSparse as the system has it "
    "(apt install libsuitesparse-dev, brew install suite-sparse); linear_solver='sparse' needs neither"
)


@functools.cache
def library() -> ctypes.CDLL:
    """The library that holds KLU: the one in the package nbklu, else the system's.

    Raises:
        ImportError: there is none, or none of a kind that is known, with the remedy.
    """
    found = [path for path in (_of_package(), ctypes.util.find_library("klu")) if path]
    try:
        usable = [loaded for loaded in map(ctypes.CDLL, found) if hasattr(loaded, "klu_factor")]
    except OSError as error:
        raise ImportError(f"linear_solver='klu' cannot load the library KLU ({error}): {REMEDY}") from error
    if not usable:
        why = f"{' and '.join(found)} hides its functions" if found else "it is not installed"
        raise ImportError(f"linear_solver='klu' needs the library KLU, and {why}: {REMEDY}")
    _declare(usable[0])
    defaults = new_common(usable[0])
    # `klu_common` has had other fields: these would then be read from other places
    if (defaults.btf, defaults.ordering, defaults.scale, defaults.halt_if_singular) != (1, 0, 2, 1):
        raise ImportError(
            f"linear_solver='klu': {usable[0]._name} is not of KLU's versions 1.3 to 2: {REMEDY}"
        )
    return usable[0]


def _of_package() -> str | None:
    """The extension of nbklu, which holds KLU and exports it; the package itself is not imported."""
    package = find_spec("nbklu")
    extension = package and PathFinder.find_spec("_ext", package.submodule_search_locations)
    return extension.origin if extension else None


def _declare(klu: Any) -> None:
    klu.klu_analyze.restype = _address
    klu.klu_analyze.argtypes = [_int, _address, _address, _address]
    klu.klu_free_symbolic.argtypes = klu.klu_free_numeric.argtypes = [_address, _address]
    klu.klu_free.restype = _address
    klu.klu_free.argtypes = [_address, ctypes.c_size_t, ctypes.c_size_t, _address]


def new_common(klu: Any) -> Any:
    """KLU's parameters at their defaults."""
    common = Common()
    klu.klu_defaults(ctypes.byref(common))
    return common


class Analysis:
    """What one model's pattern gives, the same for all its sessions.

    Attributes:
        starts, rows: W by columns, 32-bit.
        entries: Where each entry of J belongs in that.
        diagonal: Where each state's shift belongs.
        symbolic: Address of KLU's own analysis, which is only read.
    """

    def __init__(self, known: Structure) -> None:
        n, every = known.n, np.arange(known.n)
        # every entry of J, and after them the diagonal, which J may have as well
        columns, rows = np.concatenate([known.columns, every]), np.concatenate([known.rows, every])
        places, inverse = np.unique(columns * n + rows, return_inverse=True)
        self.rows = (places % n).astype(np.int32)
        self.starts = np.searchsorted(places, np.arange(n + 1) * n).astype(np.int32)
        self.entries, self.diagonal = np.split(inverse.astype(np.int64), [known.entries])
        klu, common = library(), new_common(library())
        starts, rows = self.starts.ctypes.data, self.rows.ctypes.data
        self.symbolic = klu.klu_analyze(n, starts, rows, ctypes.byref(common))
        if not self.symbolic:
            raise no_room(common.status)
        weakref.finalize(self, release, self.symbolic, klu.klu_free_symbolic)

    @property
    def expected(self) -> Any:
        """What KLU expects of the elimination."""
        return Expected.from_address(self.symbolic)


_known: weakref.WeakKeyDictionary[Any, Analysis] = weakref.WeakKeyDictionary()


def analysis_of(kernels: Kernels) -> Analysis:
    """The analysis of a model's pattern, done once."""
    known = _known.get(kernels)
    if known is None:
        known = _known[kernels] = Analysis(structure_of(kernels))
    return known


def release(address: int, free: Any) -> None:
    """Free one of KLU's objects by the function that is for it."""
    place, common = _address(address), Common()
    free(ctypes.byref(place), ctypes.byref(common))
    # nbklu 0.3's frees what the object holds and leaves the object; KLU's own sets the address to zero
    library().klu_free(place, 1, 1, ctypes.byref(common))


def no_room(status: int) -> MemoryError:
    """The error of a negative status of KLU's."""
    what = "more entries than 32-bit integers count" if status == TOO_LARGE else "more memory than there is"
    return MemoryError(f"the factors need {what}: linear_solver='krylov' needs none")


TOO_LARGE = -4


class Factors:
    """A session's hold on its factors."""

    def __init__(self, data: Any) -> None:
        self.data = data
        weakref.finalize(self, release_numeric, data)

    def take_error(self) -> BaseException | None:
        """The want of memory that ended a solve, once."""
        status, self.data.failure = self.data.failure, 0
        return no_room(status) if status else None


def release_numeric(data: Any) -> None:
    """Free the factors behind `data`."""
    release(data.numeric, library().klu_free_numeric)


def lay_out(kernels: Kernels, state: int, preconditioner: Any) -> Layout:
    """W's values and KLU's objects; the factors come with the first factorisation."""
    klu, known = library(), analysis_of(kernels)
    common = new_common(klu)
    # a halt would leave factors that nbklu 0.3 returns and has freed
    common.tol, common.halt_if_singular = DIAGONAL_PREFERENCE, 0
    values = np.zeros(len(known.rows))
    functions = {field: ctypes.cast(getattr(klu, name), _address).value for field, name in FUNCTIONS.items()}
    arrays = {"starts": known.starts, "rows": known.rows, "values": values}
    arrays |= {"entries": known.entries, "diagonal": known.diagonal}
    data = KluData(
        **functions,
        **addresses(arrays),
        symbolic=known.symbolic,
        common=ctypes.addressof(common),
        n_entries=len(known.entries),
    )
    factors = Factors(data)
    return Layout(data, (known, factors, common, values), factors.take_error)


def cost(kernels: Kernels) -> float:
    """Operations of the elimination, entries of eight substitutions, and a row's overhead. Networks of 20,
    100, 200 and 300 species take 4, 55, 230 and 820, the 2-D Brusselator on 16 x 16 cells 640."""
    expected = analysis_of(kernels).expected
    fill = expected.lower + expected.upper
    return 3e-4 * expected.operations + 7e-3 * fill + 0.14 * kernels.n


SOLVER = LinearSolver(
    "klu",
    {"factor": "klu", "substitute": "klu", "pivot": "klu", **CHECKED},
    lay_out,
    cost,
    choosable=False,
)
