"""Where the numbers of Radau IIA methods stand, and what they keep between steps."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import (
    compiled,
    structure_at,
)
from symde.engine.cpu.families.radau import (
    HEADER,
    TABLE_BYTES,
    ComplexSystem,
    RadauContext,
    RadauData,
    RadauMemory,
    RadauTable,
)
from symde.engine.cpu.linear_solvers.generated import GeneratedData

data_at = structure_at(RadauData)
table_structure_at = structure_at(RadauTable)
memory_at = structure_at(RadauMemory)
context_at = structure_at(RadauContext)
system_at = structure_at(ComplexSystem)
generated_data_at = structure_at(GeneratedData)

SLOW = 1e-3
"""Rate of convergence above which the Jacobian is evaluated anew for the next step."""


MORE_ITERATIONS = 30
"""Where the stages are solved more tightly than the tolerance asks for."""


@compiled
def table_at(data, index):
    """A formula of the method."""
    return table_structure_at(data.tables + index * TABLE_BYTES)


@compiled
def block(slot, data, padded, index):
    """Address of a block of stages: 0 and 1 hold Z in turn, 2 W, 3 right sides, 4 solutions and values
    of f."""
    stages = data.most_stages
    header = HEADER + -HEADER % 8 + stages * stages + -(stages * stages) % 8
    return slot.memory + 8 * (header + index * stages * padded)


@compiled
def predictor(slot):
    """Address of the matrix from the last stages to the first guess of W."""
    return slot.memory + 8 * (HEADER + -HEADER % 8)


@compiled
def most_iterations(state, stages):
    """Source: Hairer & Wanner (1999): 7, and more for more stages. More still where the stages are solved
    more tightly than the tolerance asks for."""
    most = 7 + (5 * (stages - 3)) // 2
    return most if state.tightness == 1.0 else most + MORE_ITERATIONS
