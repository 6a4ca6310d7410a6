"""The memory of a session: one block, and the vectors in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symde.engine.cpu.slots import PackedMethod


class Arena:
    """One block of zeros handed out in aligned pieces."""

    def __init__(self) -> None:
        self.requests: dict[str, int] = {}

    def ask(self, **lengths: int) -> None:
        self.requests.update(lengths)

    def allocate(self) -> tuple[dict[str, np.ndarray], dict[str, int]]:
        """The pieces, and the address of each: to ask an array for its own takes a microsecond."""
        sizes = {name: -(-max(length, 1) // 8) * 8 for name, length in self.requests.items()}
        block = np.zeros(sum(sizes.values()) + 8)
        base = block.ctypes.data
        offset = (-base % 64) // 8
        views, addresses = {}, {}
        for name, length in self.requests.items():
            views[name] = block[offset : offset + max(length, 1)]
            addresses[name] = base + 8 * offset
            offset += sizes[name]
        return views, addresses


_VECTORS = ("u", "u_new", "u_new_low", "increment", "atol", "stage", "direction_vector", "product", "f0")
"""What every method needs, a vector of states each."""

_LINEAR_VECTORS = (
    "time_gradient", "system_rhs", "stage_f", "residual", "refinement", "combined_rhs", "correction",
)  # fmt: skip
"""What methods that solve linear systems need besides."""


def ask_for_methods(
    arena: Arena, methods: Sequence[PackedMethod], n: int, m: int, padded: int, implicit: bool
) -> list[tuple[str, int, int]]:
    """Ask for the vectors of methods over n states and m parameters.

    Returns:
        What lies in `carried`, which every run begins with zeros so that one fill does it: name, size and
        room of each part.
    """
    arena.ask(**dict.fromkeys(_VECTORS, padded), step_size=1, p=m)
    parts = [("u_low", padded, padded), ("error", padded, padded)]
    for index, method in enumerate(methods):
        size = method.family.memory(method.method, n, padded)
        parts.append((f"memory{index}", size, -(-size // 8) * 8))
    arena.ask(carried=sum([room for _, _, room in parts]))
    arena.ask(stages=padded * max([method.stages for method in methods]))
    arena.ask(coefficients=padded * (1 + max([method.degree for method in methods])))
    if implicit:
        arena.ask(**dict.fromkeys(_LINEAR_VECTORS, padded))
    return parts
