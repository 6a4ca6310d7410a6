"""The kernel of Taylor coefficients, in the form that suits the model's size."""

from __future__ import annotations

from dataclasses import dataclass

from symde.codegen.model_kernels import ModelGraph
from symde.codegen.taylor import recurrences
from symde.codegen.taylor_rows import in_rows
from symde.codegen.taylor_unrolled import NAME, length, unrolled
from symde.native import load_ir

LEAST, MOST = 4, 20
"""Orders a kernel can be asked for. At rtol 1e-14 the best order is 18."""

LANES = 4

UNROLLED = 3000
"""Instructions of straight-line code up to which it is used.

Measured at order 18, straight-line code against rows: Lotka-Volterra 120 and 460 ns, Kepler 240 and 760,
Arenstorf's orbit 380 and 1240, a chain of 8 masses 270 and 650, of 16 masses (3750 instructions) 920 and 870;
and Pleiades (20,000) takes 3.6 instead of 0.3 s to compile.
"""


@dataclass(frozen=True, slots=True)
class TaylorKernel:
    """A compiled kernel and the memory it needs.

    Attributes:
        address: int32 (double t, in, out): `in` is the table of model kernels with the vector `order` (one
            number) in the place behind, `out` holds the tape alone.
        stride: Doubles between two rows of the tape; row k begins with coefficient k of all states.
        rows: Rows of the tape.
        kinks: Whether the model takes branches on what changes.
        least, most: The orders that may be asked for.
        form: "unrolled" or "rows".
    """

    address: int
    stride: int
    rows: int
    kinks: bool
    least: int
    most: int
    form: str


def taylor_kernel(model: ModelGraph) -> TaylorKernel:
    """The kernel of a model, compiled or loaded.

    Raises:
        ValueError: The model applies a function of which there is no recurrence.
    """
    lowered = model.lowered
    jets = recurrences(lowered.graph, lowered.rhs, len(lowered.states))
    stride = -(-len(lowered.states) // LANES) * LANES
    if length(jets, MOST) <= UNROLLED:
        form, text = "unrolled", unrolled(jets, model.inputs(), stride, LEAST, MOST)
    else:
        form, (text, stride) = "rows", in_rows(jets, model.inputs(), stride)
    address = load_ir(text).address(NAME)
    return TaylorKernel(address, stride, MOST + 1, jets.kinks, LEAST, MOST, form)
