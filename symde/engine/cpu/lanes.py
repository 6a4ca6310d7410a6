"""Members side by side in the lanes of vector registers, by kernels that make whole steps of a method."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from symde.engine.cpu import layout
from symde.engine.cpu.batch import BatchRun, Outcome, next_allowance
from symde.engine.cpu.lanes_layout import INTEGERS, NUMBERS, WIDTH, Lanes
from symde.engine.cpu.layout import STIFF_FRACTION, Status
from symde.engine.cpu.library import function_address
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


class LaneRun:
    """Lanes at work on members.

    Args:
        run: Members of a session with one method, which begins them.
        packed: That method.
        kernels: Addresses of its step and its interpolant for lanes, and of the value of one lane's
            interpolant.
        switches: Whether another method waits for members that look stiff to this one.
    """

    def __init__(
        self, run: BatchRun, packed: PackedMethod, kernels: tuple[int, int, int], switches: bool
    ) -> None:
        self.run_of_members = run
        session, slot, n = run.session, packed.slot, run.session.n
        stages = packed.method.stages if hasattr(packed.method, "stages") else packed.stages
        lengths = {
            **dict.fromkeys(("u", "u_new", "low", "low_new", "first_stage", "atol"), n),
            "p": max(session.m, 1),
            "stage_values": n * stages,
            "coefficients": n * (packed.degree + 1),
            "control": 5,
        }
        own = {name: np.zeros((count, WIDTH)) for name, count in lengths.items()}
        own["numbers"], self._integers = (
            np.zeros((len(NUMBERS), WIDTH)),
            np.zeros((len(INTEGERS), WIDTH), int),
        )
        self._vectors = own
        own["atol"][...] = session.atol[:, None]
        own["numbers"][NUMBERS.index("rtol")] = session.state.rtol
        controls = (slot.alpha, slot.beta, slot.gamma, layout.SMALLEST_ERROR, layout.SAFETY)
        own["control"][...] = np.array(controls)[:, None]
        addresses = {name: array.ctypes.data for name, array in own.items()}
        addresses.update({name: row.ctypes.data for name, row in zip(NUMBERS, own["numbers"], strict=True)})
        inputs = ["u", "p", *[""] * (MODEL_INPUTS - 2), *OWN_INPUTS]
        self._tables = {
            "inputs": np.array([addresses.get(name, 0) for name in inputs], np.int64),
            "outputs": np.array([addresses[name] for name in OUTPUTS], np.int64),
            "interpolant_outputs": np.array([addresses["coefficients"]], np.int64),
            "value_inputs": np.zeros(1, np.int64),
            "value_outputs": np.zeros(1, np.int64),
            "per_attempt": _work(packed, stages),
        }
        fields = {field[0] for field in Lanes._fields_}
        self.lanes = Lanes(
            batch=ctypes.addressof(run.batch),
            kernel=kernels[0],
            interpolant=kernels[1],
            value=kernels[2],
            n=n,
            m=session.m,
            stages=stages,
            degree=packed.degree,
            fsal=slot.fsal,
            stability=STIFF_FRACTION * slot.stability,
            switches=float(switches),
            integers=self._integers.ctypes.data,
            max_steps=session.state.max_steps,
            per_interpolant=packed.stages - stages,
            **{name: address for name, address in addresses.items() if name in fields},
            **{name: table.ctypes.data for name, table in self._tables.items()},
        )
        self._entry = _run_type(function_address("lanes", "run"))

    def run(self, ids: np.ndarray, outcome: Outcome, first: int, on_slice: Callable[[], None]) -> None:
        """Solve some members; those that are left to another loop have the codes `UNFINISHED` and `STIFF`.

        Args:
            ids, outcome, first, on_slice: As of `BatchRun.run`.
        """
        lanes, allowance = self.lanes, self.run_of_members.session.allowance
        self.run_of_members.aim(ids, outcome, first)
        self._vectors["numbers"][NUMBERS.index("busy")] = 0.0
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


def _work(packed: PackedMethod, stages: int) -> np.ndarray:
    """Counts of work of an attempt."""
    counts: dict[str, Any] = {"evaluations": stages - packed.slot.fsal}
    if packed.implicit:
        counts.update(jacobians=1, factorisations=1, solves=stages)
    return np.array([counts.get(name, 0) for name in layout.COUNTERS], np.int64)
