"""What the discrete adjoint of a family of methods is to the engine: a compiled module and its memory.

The module (`symde.engine.cpu.compiled.<module>`) has the entry `adjoint`, which turns round the step that was
just done again. One line in `FAMILIES` is all that the rest must know.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.layout import LANES, double, int64, structure

CollocationAdjoint = structure(
    "CollocationAdjoint",
    "A collocation formula as its adjoint needs it; matrices stages x stages.",
    stages=int64,
    gamma=double,  # the diagonal coefficient of the blended iteration
    a=int64,
    c=int64,
    blend=int64,  # gamma * inverse of a
)
COLLOCATION_BYTES = ctypes.sizeof(CollocationAdjoint)


ExplicitAdjoint = structure(
    "ExplicitAdjoint",
    "An explicit tableau transposed: what each stage gives on lies in a row.",
    a=int64,  # all_stages x all_stages
    interpolant=int64,  # all_stages x degree
    powers=int64,  # degree x degree
)


def no_scratch(packed: Any, padded: int, entries: int) -> int:
    """Adjoints of explicit stages work on vectors that all share."""
    return 0


def no_context(packed: Any, kernels: Any) -> tuple[int, Any]:
    """Most adjoints know all from the method's own numbers."""
    return 0, None


def kept_stages(packed: Any) -> int:
    """Most families keep as many vectors for a step as it has stages, or more."""
    return packed.stages


def collocation_stages(packed: Any) -> int:
    """Families with a memory of their own keep their stages there."""
    return packed.method.stages


@dataclass(frozen=True, slots=True)
class AdjointFamily:
    """The discrete adjoint of a family.

    Attributes:
        module: Compiled module with the entry `adjoint`.
        scratch: Doubles that it works on, from (packed method, padded, entries of the Jacobian).
        context: Address of what it must know of a method and a model, and what keeps it alive, from (packed
            method, kernels).
        stages: Vectors of derivatives by stages, from the packed method.
        curvature: Whether it needs the derivatives of the Jacobian.
        curvature_of_mass: Whether it does where the model has a mass matrix.
        accelerations: Whether it needs those of accelerations.
    """

    module: str
    scratch: Callable[[Any, int, int], int] = no_scratch
    context: Callable[[Any, Any], tuple[int, Any]] = no_context
    stages: Callable[[Any], int] = kept_stages
    curvature: bool = False
    curvature_of_mass: bool = False
    accelerations: bool = False


def _explicit_context(packed: Any, kernels: Any) -> tuple[int, Any]:
    data = packed.kept[0]
    width, degree = data.all_stages, data.degree
    shapes = {"a": (width, width), "interpolant": (degree, width), "powers": (degree, degree)}
    arrays = {}
    for name, shape in shapes.items():
        length = shape[0] * shape[1]
        values = np.array((ctypes.c_double * length).from_address(getattr(data, name)))
        arrays[name] = np.ascontiguousarray(values.reshape(shape).T)
    context = ExplicitAdjoint(**{name: array.ctypes.data for name, array in arrays.items()})
    return ctypes.addressof(context), (context, arrays)


def _explicit_scratch(packed: Any, padded: int, entries: int) -> int:
    """What the stages give to the states they were taken at."""
    return packed.stages * padded


def _collocation(formulas: list[tuple[np.ndarray, np.ndarray]]) -> tuple[int, Any]:
    """Formulas, each by its a and c, one after another."""
    table, kept = (CollocationAdjoint * len(formulas))(), []
    for place, (matrix, nodes) in zip(table, formulas, strict=True):
        gamma = float(np.abs(np.linalg.eigvals(matrix)).min())
        arrays = {
            "a": np.ascontiguousarray(matrix),
            "c": np.ascontiguousarray(nodes),
            "blend": np.ascontiguousarray(gamma * np.linalg.inv(matrix)),
        }
        kept.append(arrays)
        place.stages, place.gamma = len(nodes), gamma
        for name, array in arrays.items():
            setattr(place, name, array.ctypes.data)
    return ctypes.addressof(table), (table, kept)


def _gauss_context(packed: Any, kernels: Any) -> tuple[int, Any]:
    return _collocation([(packed.method.a, packed.method.c)])


def _radau_context(packed: Any, kernels: Any) -> tuple[int, Any]:
    return _collocation([_radau_matrix(table) for table in packed.method.tables])


def _radau_matrix(table: Any) -> tuple[np.ndarray, np.ndarray]:
    """a and c of a formula; a = V D^-1 as in `symde.engine.methods.radau_iia`, from its nodes."""
    c = np.asarray(table.array("c"), dtype=float)
    powers = np.arange(1, len(c) + 1)
    return (c[:, None] ** powers / powers) @ np.linalg.inv(c[:, None] ** (powers - 1)), c


def _stages_scratch(stages: int, padded: int, entries: int) -> int:
    """States of the stages, unknowns, products, residuals, and a Jacobian for each stage."""
    return stages * (4 * padded + entries)


def _nodes(method: Any) -> int:
    return sum(len(one.nodes) for one in method.interpolant.passes)


def _gauss_scratch(packed: Any, padded: int, entries: int) -> int:
    return (1 + _nodes(packed.method)) * padded + _stages_scratch(packed.method.stages, padded, entries)


def _radau_scratch(packed: Any, padded: int, entries: int) -> int:
    return _stages_scratch(packed.method.stages, padded, entries)


def _symplectic_scratch(packed: Any, padded: int, entries: int) -> int:
    """States at the nodes of the interpolant and before each flow."""
    return (_nodes(packed.method) + 2 * len(packed.method.b) + 1) * padded


def _nystrom_scratch(packed: Any, padded: int, entries: int) -> int:
    """States of the stages and of the nodes, and weights of what the interpolant is made of."""
    data = packed.kept[0]
    counts = (ctypes.c_int64 * data.interpolant.passes).from_address(data.interpolant.counts)
    return (data.stages + 4 + data.base + 2 * sum(counts)) * padded


def _masks(packed: Any, kernels: Any) -> tuple[int, Any]:
    """Vectors that are one where a state is a position, and where it is a momentum."""
    halves, masks = kernels.partition, np.zeros((2, -(-kernels.n // LANES) * LANES))
    masks[0, list(halves.positions)] = 1.0
    masks[1, list(halves.momenta)] = 1.0
    return masks.ctypes.data, masks


FAMILIES = {
    "explicit": AdjointFamily("adjoint_explicit", _explicit_scratch, _explicit_context),
    "explicit_two_estimates": AdjointFamily("adjoint_explicit", _explicit_scratch, _explicit_context),
    "rosenbrock": AdjointFamily("adjoint_rosenbrock", curvature=True),
    "esdirk": AdjointFamily("adjoint_esdirk", curvature_of_mass=True),
    "radau": AdjointFamily("adjoint_radau", _radau_scratch, _radau_context, collocation_stages),
    "gauss": AdjointFamily("adjoint_gauss", _gauss_scratch, _gauss_context),
    "symplectic": AdjointFamily("adjoint_symplectic", _symplectic_scratch, _masks),
    "nystrom": AdjointFamily("adjoint_nystrom", _nystrom_scratch, accelerations=True),
}
"""One line a family of methods."""
