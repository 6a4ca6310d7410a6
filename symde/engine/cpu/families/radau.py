"""Radau IIA methods in memory, and the linear systems with complex shifts that they solve.

Whoever solves (alpha + i beta) x - J x = b offers a compiled module with two entries:

    factor(ComplexSystem *)                          for the shift and the Jacobian named there
    solve(ComplexSystem *, double *b, double *x)     with the last factorisation

Right side and solution are two padded vectors in a row, real parts and imaginary parts. Both return a code of
`Attempt`. `MODULES` names them; a sparse solver by index arrays becomes one more.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.columns import ColumnsSystem
from symde.engine.cpu.family import Family, Numbers
from symde.engine.cpu.layout import LANES, double, int64, structure
from symde.engine.cpu.library import function_address

MODULES = {"generated": "complex_generated", "dense": "complex_dense", "columns": "complex_columns"}
"""The solver of a model's complex systems: its own straight-line kernels, or partial pivoting; and that of
states with sensitivity columns, which uses one of these."""

RadauTable = structure(
    "RadauTable",
    "One Radau IIA formula; matrices row by row, stages x stages.",
    stages=int64,
    pairs=int64,  # complex pairs of eigenvalues
    gamma=double,  # the real eigenvalue of A^-1
    alpha=int64,
    beta=int64,
    c=int64,
    t=int64,  # from transformed variables W to stages Z
    t_inverse=int64,
    interpolant=int64,  # coefficients of theta^(m + 1) from stages Z
)
TABLE_BYTES = ctypes.sizeof(RadauTable)

RadauData = structure("RadauData", "The formulas of a method.", tables=int64, count=int64, most_stages=int64)

ComplexSystem = structure(
    "ComplexSystem",
    "A linear system with a complex shift and all that its solver works on.",
    n=int64,
    padded=int64,
    alpha=double,
    beta=double,
    jacobian=int64,
    row_pointers=int64,
    columns=int64,
    factors=int64,  # the generated solver's
    dense=int64,  # n x n complex numbers in pairs, for partial pivoting
    pivots=int64,
    untested=int64,  # no solution with these factors has been judged yet
    pivoted=int64,  # the factors are those of partial pivoting
    pivotings=int64,  # how often the generated solver had to be left for it
    factor_kernel=int64,
    solve_kernel=int64,
    factor_inputs=int64,
    factor_outputs=int64,
    solve_inputs=int64,
    solve_outputs=int64,
    context=int64,  # what the model keeps for a session, 0 where nothing
    own=int64,  # a `ComplexColumns`, 0 for a model alone
    mass=int64,  # of M by the places of J, 0 where it is the identity
)
SYSTEM_BYTES = ctypes.sizeof(ComplexSystem)

ComplexColumns = structure(
    "ComplexColumns",
    "What solves the complex systems of states with sensitivity columns.",
    inner=int64,  # the system of the states alone
    factor=int64,  # and its solver
    solve=int64,
    count=int64,  # columns in use
    rhs=int64,  # of the states or of one column, both parts
    solution=int64,
    work=int64,  # right sides of all columns, both parts
)

RadauContext = structure(
    "RadauContext",
    "The solver of complex systems: its two functions, and one system for each pair of eigenvalues.",
    factor=int64,
    solve=int64,
    systems=int64,
    kernels=int64,  # for each formula, addresses of the first guess and of an iteration as kernels, or zeros
    inputs=int64,  # its tables
    outputs=int64,
)

RadauMemory = structure(
    "RadauMemory",
    "What is kept between steps; vectors follow.",
    table=int64,  # the formula of the next attempt
    last_table=int64,  # that of the last accepted step
    known=int64,  # there is a last accepted step, and its polynomial goes on
    parity=int64,  # which of the two blocks of stages holds the last accepted ones
    factored_h=double,  # W's are factorised for this step, 0: for none
    ratio=double,  # h / h_old that the predictor is made for, 0: for none
    rate=double,  # of convergence, of the last iteration that showed one
    smooth_rate=double,  # for the choice of the formula
    reach=double,  # factor of what is left of the error after an iteration, aged from step to step
    iterations=int64,  # of the last attempt
    cut=double,  # of the next attempt, after one that diverged
    failed=int64,  # the last attempt diverged
    previous_h=double,  # of the accepted step before, with its error: 0 at first
    previous_log_error=double,
    since_change=int64,  # attempts since the formula changed
    relative=double,  # tolerance in relation to the solution that `easing` is made for
    easing=double,  # factor of the error estimate
    square=double,  # mean square of an iteration's corrections over the tolerance
    rtol=double,  # where a kernel can read it
)
RATIO, RTOL, SQUARE = RadauMemory.ratio.offset, RadauMemory.rtol.offset, RadauMemory.square.offset
HEADER = ctypes.sizeof(RadauMemory) // 8


def _tables(method: Any) -> tuple[Any, list[np.ndarray]]:
    keys = ("alpha", "beta", "c", "t", "t_inverse", "interpolant")
    tables, kept = (RadauTable * len(method.tables))(), []
    for place, table in zip(tables, method.tables, strict=True):
        arrays = {key: np.ascontiguousarray(table.array(key)) for key in keys}
        kept.extend(arrays.values())
        place.stages, place.pairs = table.stages, (table.stages - 1) // 2
        place.gamma = float(table.digits["gamma"])
        for key, array in arrays.items():
            setattr(place, key, array.ctypes.data)
    return tables, kept


def pack(method: Any) -> Numbers:
    """The numbers of all formulas of a method; its stages are kept in its own memory."""
    tables, kept = _tables(method)
    data = RadauData(tables=ctypes.addressof(tables), count=len(tables), most_stages=method.stages)
    return Numbers(data, 1, method.stages, (tables, *kept))


def memory(method: Any, n: int, padded: int) -> int:
    """Header, predictor, and five blocks of stages: two of Z, W, right sides, and solutions."""
    stages = method.stages
    return HEADER + -HEADER % 8 + stages * stages + -(stages * stages) % 8 + 5 * stages * padded


class _Systems:
    """The memory of the complex systems of one session."""

    def __init__(self, kernels: Any, pairs: int) -> None:
        n = kernels.n
        length = kernels.lu_length and getattr(kernels, "complex_lu_length", 0)
        self.module = MODULES["generated" if length else "dense"]
        self.systems = (ComplexSystem * pairs)()
        self.factors = np.empty((pairs, max(length, 1)))
        self.arrays = [
            (np.empty(2 * n * n), np.zeros(n, np.int64), np.zeros(12, np.int64)) for _ in range(pairs)
        ]
        for k, system in enumerate(self.systems):
            dense, pivots, places = self.arrays[k]
            system.n, system.factors, system.dense = n, self.factors[k].ctypes.data, dense.ctypes.data
            system.pivots = pivots.ctypes.data
            if length:
                self._fill_kernels(system, kernels, places)

    def _fill_kernels(self, system: Any, kernels: Any, places: np.ndarray) -> None:
        system.factor_kernel = kernels.address("lu_complex_factor")
        system.solve_kernel = kernels.address("lu_complex_solve")
        first = places.ctypes.data
        system.solve_inputs, system.solve_outputs = first, first + 24
        system.factor_outputs, system.factor_inputs = first + 40, first + 48
        places[7] = ctypes.addressof(system) + ComplexSystem.alpha.offset
        places[0] = places[5] = system.factors


class _ColumnSystems:
    """The same for states with sensitivity columns: those of the states, and work on the columns."""

    def __init__(self, kernels: Any, pairs: int) -> None:
        inner = _Systems(kernels.model, pairs)
        n = kernels.model.n
        padded = -(-n // LANES) * LANES
        self.module, self.inner = MODULES["columns"], inner
        self.systems = (ComplexSystem * pairs)()
        self.columns = (ComplexColumns * pairs)()
        # the systems are solved one after another: they share what they work on
        self.arrays = np.zeros(2 * padded), np.zeros(2 * padded), np.zeros(2 * n * kernels.width)
        rhs, solution, work = (array.ctypes.data for array in self.arrays)
        for k, (system, columns) in enumerate(zip(self.systems, self.columns, strict=True)):
            inner.systems[k].padded = padded
            system.n, system.own = n, ctypes.addressof(columns)
            columns.inner, columns.count = ctypes.addressof(inner.systems[k]), kernels.count
            columns.factor = function_address(inner.module, "factor")
            columns.solve = function_address(inner.module, "solve")
            columns.rhs, columns.solution, columns.work = rhs, solution, work


def _kernels(kernels: Any, method: Any, systems: Any) -> np.ndarray:
    """First guess and iteration as kernels for each formula, zeros where the model offers none."""
    addresses = getattr(kernels, "collocation_addresses", None)
    if addresses is None or systems.module != MODULES["generated"]:
        return np.zeros((len(method.tables), 2), np.int64)
    padded = -(-kernels.n // LANES) * LANES
    return np.array([addresses(table, padded) for table in method.tables], np.int64)


def context(kernels: Any, method: Any) -> tuple[int, Any]:
    """The solver of complex systems for a model, with its memory."""
    make = _ColumnSystems if isinstance(kernels, ColumnsSystem) else _Systems
    systems = make(kernels, (method.stages - 1) // 2)
    generated = _kernels(kernels, method, systems)
    places = np.zeros(24, np.int64)
    table = RadauContext(
        factor=function_address(systems.module, "factor"),
        solve=function_address(systems.module, "solve"),
        systems=ctypes.addressof(systems.systems),
        kernels=generated.ctypes.data,
        inputs=places.ctypes.data,
        outputs=places[16:].ctypes.data,
    )
    return ctypes.addressof(table), (table, systems, generated, places)


FAMILY = Family("radau", pack, implicit=True, controls=True, matrix=True, memory=memory, context=context)
