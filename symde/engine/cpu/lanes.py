"""Members side by side in the lanes of vector registers, by kernels that make whole steps of a method."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symde.engine.cpu import layout
from symde.engine.cpu.batch import BatchRun, Outcome, next_allowance
from symde.engine.cpu.lanes_layout import INTEGERS, NUMBERS, VECTORS, WIDTH, Lanes
from symde.engine.cpu.layout import STIFF_FRACTION, Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import PackedMethod

_run_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)

MODEL_INPUTS = 8
"""Vectors of a model's own at the start of the input table; the first two are the states and parameters."""

OWN_INPUTS = (
    "time", "time_new", "step", "first_stage", "low", "atol", "rtol", "control", "log_old", "stage_values",
)  # fmt: skip
"""What follows in the table."""

OUTPUTS = ("u_new", "low_new", "stage_values", "norm", "log_error", "factor", "refused", "stiffness")
"""The output table of a step."""


class LaneMemory:
    """What the lanes of a session read and write; it is made once, and kept with the session.

    Attributes:
        lanes: The structure of the compiled loop.
    """

    def __init__(self, session: Session) -> None:
        (packed,) = session.methods
        slot, stages = packed.slot, packed.method.stages
        vectors = _vectors(session.n, session.m, stages, packed.degree)
        self.numbers, self._integers = np.zeros((len(NUMBERS), WIDTH)), np.zeros((len(INTEGERS), WIDTH), int)
        controls = (slot.alpha, slot.beta, slot.gamma, layout.SMALLEST_ERROR, layout.SAFETY)
        vectors["control"][...] = np.array(controls)[:, None]
        addresses = {name: vector.ctypes.data for name, vector in vectors.items()}
        tables = _tables(
            {**addresses, **{name: row.ctypes.data for name, row in zip(NUMBERS, self.numbers, strict=True)}}
        )
        tables["per_attempt"] = _work(packed)
        self._vectors, self._tables = vectors, tables
        self.lanes = Lanes(
            n=session.n,
            m=session.m,
            stages=stages,
            degree=packed.degree,
            fsal=slot.fsal,
            stability=STIFF_FRACTION * slot.stability,
            per_interpolant=packed.stages - stages,
            numbers=self.numbers.ctypes.data,
            integers=self._integers.ctypes.data,
            **{name: addresses[name] for name in VECTORS},
            **{name: table.ctypes.data for name, table in tables.items()},
        )

    def set_tolerances(self, session: Session) -> None:
        """Take the tolerances of a session's present run."""
        self._vectors["atol"][...] = session.atol[:, None]
        self.numbers[NUMBERS.index("rtol")] = session.state.rtol


class LaneRun:
    """Lanes at work on members.

    Args:
        run: Members of a session with one method, which begins them.
        kernels: Addresses of the method's step and its interpolant for lanes, and of the value of one lane's
            interpolant.
        switches: Whether another method waits for members that look stiff to this one.
    """

    def __init__(self, run: BatchRun, kernels: tuple[int, int, int], switches: bool) -> None:
        self.run_of_members, session = run, run.session
        self._memory: LaneMemory = session.companion(LaneMemory, lambda: LaneMemory(session))
        self._memory.set_tolerances(session)
        lanes = self.lanes = self._memory.lanes
        lanes.batch = ctypes.addressof(run.batch)
        lanes.kernel, lanes.interpolant, lanes.value = kernels
        lanes.switches, lanes.max_steps = float(switches), session.state.max_steps
        self._entry = _run_type(function_address("lanes", "run"))

    def run(self, ids: np.ndarray, outcome: Outcome, first: int, on_slice: Callable[[], None]) -> None:
        """Solve some members; those that are left to another loop have the codes `UNFINISHED` and `STIFF`.

        Args:
            ids, outcome, first, on_slice: As of `BatchRun.run`.
        """
        lanes, allowance = self.lanes, self.run_of_members.session.allowance
        self.run_of_members.aim(ids, outcome, first)
        self._memory.numbers[NUMBERS.index("busy")] = 0.0
        lanes.idle, lanes.budget = WIDTH, allowance
        started = time.perf_counter()
        while True:
            status = self._entry(ctypes.addressof(lanes))
            if status == Status.DONE:
                return
            if status != Status.BUDGET:
                raise RuntimeError("a kernel of lanes failed without saying why")
            allowance = next_allowance(allowance, time.perf_counter() - started)
            on_slice()
            lanes.budget = allowance
            started = time.perf_counter()


def _vectors(n: int, m: int, stages: int, degree: int) -> dict[str, np.ndarray]:
    """The vectors of the lanes, element by element, zeros."""
    lengths = {
        **dict.fromkeys(("u", "u_new", "low", "low_new", "first_stage", "atol"), n),
        "p": max(m, 1),
        "stage_values": n * stages,
        "coefficients": n * (degree + 1),
        "control": 5,
    }
    return {name: np.zeros((length, WIDTH)) for name, length in lengths.items()}


def _tables(addresses: Mapping[str, int]) -> dict[str, np.ndarray]:
    """The tables of the kernels' inputs and outputs."""
    inputs = ["u", "p", *[""] * (MODEL_INPUTS - 2), *OWN_INPUTS]
    return {
        "inputs": np.array([addresses.get(name, 0) for name in inputs], np.int64),
        "outputs": np.array([addresses[name] for name in OUTPUTS], np.int64),
        "interpolant_outputs": np.array([addresses["coefficients"]], np.int64),
        "value_inputs": np.zeros(1, np.int64),
        "value_outputs": np.zeros(1, np.int64),
    }


def _work(packed: PackedMethod) -> np.ndarray:
    """Counts of work of an attempt."""
    stages = packed.method.stages
    counts: dict[str, Any] = {"evaluations": stages - packed.slot.fsal}
    if packed.implicit:
        counts.update(jacobians=1, factorisations=1, solves=stages)
    return np.array([counts.get(name, 0) for name in layout.COUNTERS], np.int64)
