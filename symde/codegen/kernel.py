"""A kernel: named outputs of a graph as one function over named input vectors, whatever prints it.

One calling convention for all compiled targets:

    int32 kernel(double t, const double *const *in, double *const *out)

`in` and `out` are tables of pointers in the order of `Kernel.inputs` and `Kernel.outputs`; the result is 0,
or a code that the kernel's own description explains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symde.codegen.graph import Graph

INPUTS = ("u", "p", "discretes", "modes", "delayed", "noise", "direction", "adjoint")
"""Order of the input table of every model kernel, so that an engine keeps one table. Lengths may be 0."""


@dataclass(frozen=True, slots=True)
class Vector:
    """An input of a kernel: its name, its length and the names of its elements (empty: none known)."""

    name: str
    length: int
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a kernel: one graph node for each element.

    Attributes:
        name: Name of the vector.
        nodes: Node of each element.
        labels: Name of each element (empty: none known).
        comments: The equation in the modeller's words for each element (empty: none known).
    """

    name: str
    nodes: tuple[int, ...]
    labels: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function to print: `outputs` computed from `inputs` by `graph`.

    Attributes:
        name: Name of the function, a plain ASCII identifier.
        graph: Holds the nodes of all outputs.
        inputs: Vectors in the order of the `in` table.
        outputs: Vectors in the order of the `out` table.
        comments: Lines for the header of printed source.
        code: A truth value that makes the kernel return 1 where it holds; None for a kernel that returns 0.
    """

    name: str
    graph: Graph
    inputs: tuple[Vector, ...]
    outputs: tuple[Output, ...]
    comments: tuple[str, ...] = ()
    code: int | None = None

    def roots(self) -> list[int]:
        """The nodes of all outputs, in order of output."""
        return [node for output in self.outputs for node in output.nodes]

    def nodes(self) -> list[int]:
        """All nodes the kernel evaluates, in order of evaluation."""
        return self.graph.reachable(self.roots() if self.code is None else [*self.roots(), self.code])


Printer = Callable[[Kernel], str]
"""What a target is: a function from a kernel to its source text."""
