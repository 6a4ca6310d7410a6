"""What solutions keep, in a session's memory: constraints at the start, the projection of accepted steps."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from symde.engine.cpu.layout import int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import addresses

InvariantsData = structure(
    "InvariantsData",
    "Invariants c(u, t), their derivatives G by the states, and the projection onto c = target.",
    kernel=int64,  # c and the entries of G
    outputs=int64,  # its table
    count=int64,
    states=int64,
    row_pointers=int64,  # of G
    columns=int64,
    values=int64,
    entries=int64,
    targets=int64,
    at_zero=int64,  # which are kept at zero, and which steps are projected onto
    projected=int64,
    guesses=int64,  # whether the value of each state at the start is one, which constraints determine
    guessed=int64,  # whether any is
    matrix=int64,  # G D^-2 G' and its Cholesky factor, count x count
    multipliers=int64,
    row=int64,  # of G, spread out
    moved=int64,  # what the projection of the last step has added
)


class SessionInvariants:
    """The invariants of one session.

    Args:
        kernels: The model's kernels, or those of states with columns.
    """

    def __init__(self, kernels: Any) -> None:
        model = getattr(kernels, "model", kernels)
        pattern = model.invariants_pattern
        zero, projected = (np.array(flags, dtype=np.int64) for flags in model.invariants_kinds)
        guesses = np.array(model.guesses, dtype=np.int64)
        count, n = len(zero), model.n
        padded = -(-kernels.n // 4) * 4
        self._arrays = {
            "row_pointers": pattern[0].astype(np.int64),
            "columns": pattern[1].astype(np.int64),
            "values": np.zeros(count),
            "entries": np.zeros(max(len(pattern[1]), 1)),
            "targets": np.zeros(count),
            "at_zero": zero,
            "projected": projected,
            "guesses": guesses,
            "matrix": np.zeros(count * count),
            "multipliers": np.zeros(count),
            "row": np.zeros(n),
            "moved": np.zeros(padded),
        }
        found = addresses(self._arrays)
        self._arrays["outputs"] = np.array([found["values"], found["entries"]], np.int64)
        found["outputs"] = self._arrays["outputs"].ctypes.data
        kernel, guessed = model.address("invariants"), int(guesses.any())
        self._data = InvariantsData(kernel=kernel, count=count, states=n, guessed=guessed, **found)
        self._project = function_address("invariants", "project") if projected.any() else 0

    def fill(self, session: Any) -> None:
        """What is the same for every run."""
        session.state.invariants = ctypes.addressof(self._data)
        session.state.project = self._project

    @contextlib.contextmanager
    def without_guesses(self) -> Iterator[None]:
        """While no state's value is a guess that constraints determine."""
        guessed, self._data.guessed = self._data.guessed, 0
        try:
            yield
        finally:
            self._data.guessed = guessed

    def worst(self, session: Any) -> tuple[int, float]:
        """The constraint that the present state misses by most, each against what a tolerance's move of the
        states does, and its value."""
        arrays, scale = self._arrays, session.atol + session.state.rtol * np.abs(session.vector("u"))
        starts, columns, values = arrays["row_pointers"], arrays["columns"], arrays["values"]
        moves = arrays["entries"][: len(columns)] * scale[columns]
        sizes = np.array([np.linalg.norm(moves[a:b]) for a, b in itertools.pairwise(starts)])
        with np.errstate(divide="ignore", invalid="ignore"):
            missed = np.where(arrays["at_zero"] != 0, np.abs(values) / sizes, 0.0)
        index = int(np.argmax(missed))
        return index, float(values[index])
