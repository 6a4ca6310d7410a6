"""What a family of methods is to the engine: its compiled functions and its methods' numbers in memory.

A family is one compiled module (`symde.engine.cpu.compiled.<module>` with the entries `attempt`,
`interpolate` and, where it chooses its own steps and orders, `control`), one file in
`symde.engine.cpu.families` that says how its numbers lie in memory, and one line in the registry there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Numbers:
    """A method's numbers in memory.

    Attributes:
        data: The family's structure, a ctypes object.
        stages: Padded vectors the method needs in `state.stages`.
        degree: Degree of its interpolant.
        kept: Arrays that `data` holds addresses of.
        interpolant: What a kernel of the whole interpolant is made of; None where there is no such kernel.
    """

    data: Any
    stages: int
    degree: int
    kept: tuple[Any, ...]
    interpolant: Any = None


def no_memory(method: Any, n: int, padded: int) -> int:
    """One-step methods keep nothing between steps."""
    return 0


def all_of_it(method: Any, n: int, padded: int) -> tuple[tuple[int, int], ...] | None:
    """What undoes a step is all of the memory."""
    return None


def no_context(kernels: Any, method: Any) -> tuple[int, Any]:
    """Most families know nothing of a model but its kernels."""
    return 0, None


def whole_model(kernels: Any, method: Any) -> Any:
    """Most families solve a model as it is."""
    return kernels


@dataclass(frozen=True, slots=True)
class Family:
    """How a family's methods are laid out, what they need, and its controller.

    `present` and `previous` are the exponents of the PI law in units of 1/(order of the estimate + 1).
    Explicit methods need a good deal of the previous error: where stability limits the step, it keeps them
    from bouncing at the limit. Stiff methods have no limit to bounce at, and damping costs them steps
    wherever the solution relaxes: with (0.7, 0.4) Rodas5P takes 104 steps for ROBER at error 1e-5 and 65 for
    POLLU, with (0.97, 0.04) 61 and 35.

    Attributes:
        module: Compiled module with the entries.
        pack: Lays a method's numbers out.
        implicit: Whether its methods solve linear systems.
        present, previous: Exponents of the PI law.
        controls: Whether the module has an entry `control` that takes the PI law's place.
        memory: Doubles kept between steps, from (method, n, padded); zeroed when a run begins.
        undone: Of that, the pieces (first, length) that an accepted step changes and that another attempt at
            it does not make anew, at most two; None for all of it.
        context: Address of what the family must know of a model, and what keeps it alive, from (kernels,
            method); raises ValueError for a model the method cannot solve, with the reason.
        to_rounding: Whether its methods solve their stages to rounding, so that their linear systems must be.
        matrix: Whether its methods read the entries of J, whatever the linear solver does.
        multistep: Whether its steps rest on earlier ones, kept in its memory, so that after a jump a step has
            to be chosen anew.
        long_steps: Whether its steps may be longer than what happens at both ends tells, so that each is
            searched whole for roots.
        kernels: The kernels its methods work with, from (kernels, method); raises ValueError likewise.
    """

    module: str
    pack: Callable[[Any], Numbers]
    implicit: bool
    present: float = 0.0
    previous: float = 0.0
    controls: bool = False
    memory: Callable[[Any, int, int], int] = no_memory
    undone: Callable[[Any, int, int], tuple[tuple[int, int], ...] | None] = all_of_it
    context: Callable[[Any, Any], tuple[int, Any]] = no_context
    to_rounding: bool = False
    matrix: bool = False
    kernels: Callable[[Any, Any], Any] = whole_model
    multistep: bool = False
    long_steps: bool = False


def matrix(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Values in the upper left corner of a zero matrix."""
    source = np.atleast_1d(np.asarray(values, dtype=float))
    full = np.zeros(shape)
    full[tuple(slice(0, length) for length in source.shape)] = source
    return full
