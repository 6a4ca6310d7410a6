"""An audit between a Rosenbrock method and its linear solver: the backward error of every stage."""

from __future__ import annotations

import functools

import numba
import numpy as np
from numba import types

from symde.engine.cpu.compiled.pointers import call_solve, call_step, doubles, integers, state_at
from symde.engine.cpu.layout import BACKWARD_ERROR, TINY
from symde.engine.cpu.session import Session

FIELDS = (
    "worst_of_attempt", "above_of_attempt",  # of the attempt under way
    "worst", "above",  # of all accepted steps
    "stages",
    "accepted",  # steps accepted when the attempt began
    "inside",  # a checked solve is under way: what it calls is its own affair
)  # fmt: skip


class Audit:
    """Stands between the method and the linear solver of a session and keeps the worst backward errors.

    A step begins with `factor`, so its stages are judged when the next one does: those of a rejected attempt
    do not count. A checked solve is judged by what it returns, not by its refinements.
    """

    def __init__(self) -> None:
        self._record = np.zeros(len(FIELDS))
        self._genuine = np.zeros(4, np.int64)  # addresses of factor, solve, substitute, accept
        self._entries = _audit_entries(self._record.ctypes.data, self._genuine.ctypes.data)

    def attach(self, session: Session) -> None:
        """Put the audit into a session that is ready to run, and begin anew."""
        self._record[:] = 0.0
        state, names = session.state, ("factor", "solve", "substitute", "accept")
        self._genuine[:] = [getattr(state, name) for name in names]
        for name, entry in zip(names, self._entries, strict=True):
            setattr(state, name, entry.address)
        for slot in session._slots:  # a whole step as one kernel solves its systems unseen
            slot.step = 0

    def result(self, accepted: int) -> tuple[float, int, int]:
        """Worst backward error of the accepted steps, their stages above the bound, and all stages."""
        record = dict(zip(FIELDS, self._record, strict=True))
        if accepted > record["accepted"]:  # the last attempt became a step
            record["worst"] = max(record["worst"], record["worst_of_attempt"])
            record["above"] += record["above_of_attempt"]
        return float(record["worst"]), int(record["above"]), int(record["stages"])


@functools.cache
def the_audit() -> Audit:
    """The one that all share: it takes seconds to compile."""
    return Audit()


def _audit_entries(record_address: int, genuine_address: int):
    """Compiled stand-ins for the four entries."""
    step, solving = types.int32(types.int64), types.int32(types.int64, types.int64, types.int64)

    @numba.njit(error_model="numpy")
    def note(address, rhs, solution):
        state, record = state_at(address), doubles(record_address)
        b, x = doubles(rhs), doubles(solution)
        values, starts, columns = (
            doubles(state.jacobian),
            integers(state.row_pointers),
            integers(state.columns),
        )
        worst = 0.0
        for i in range(state.n):
            term = state.shift * x[i]
            total, size = b[i] - term, abs(b[i]) + abs(term)
            for k in range(starts[i], starts[i + 1]):
                term = values[k] * x[columns[k]]
                total += term
                size += abs(term)
            if abs(total) > TINY and abs(total) / size > worst:
                worst = abs(total) / size
        record[4] += 1.0
        if worst > BACKWARD_ERROR:
            record[1] += 1.0
        if worst > record[0]:
            record[0] = worst

    @numba.cfunc(step)
    def factor(address):
        record, accepted = doubles(record_address), state_at(address).accepted
        if accepted > record[5]:  # the attempt before has become a step
            record[2] = max(record[2], record[0])
            record[3] += record[1]
        record[0], record[1], record[5] = 0.0, 0.0, accepted
        return call_step(integers(genuine_address)[0], address)

    @numba.cfunc(solving)
    def solve(address, rhs, solution):
        record = doubles(record_address)
        record[6] = 1.0
        code = call_solve(integers(genuine_address)[1], address, rhs, solution)
        record[6] = 0.0
        if code == 0:
            note(address, rhs, solution)
        return code

    @numba.cfunc(solving)
    def substitute(address, rhs, solution):
        code = call_solve(integers(genuine_address)[2], address, rhs, solution)
        if doubles(record_address)[6] == 0.0:
            note(address, rhs, solution)
        return code

    @numba.cfunc(solving)
    def accept(address, rhs, solution):
        code = call_solve(integers(genuine_address)[3], address, rhs, solution)
        if code != 0:  # all stages are solved again, each with its own test
            doubles(record_address)[0], doubles(record_address)[1] = 0.0, 0.0
        return code

    return factor, solve, substitute, accept
